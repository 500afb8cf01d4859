/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures as other programs make them, of an image in a registry on loopback: cosign 3.1.3 (both layouts; the private key's
 * passphrase is "secret"), OpenSSL 3.0 over the same payload, gpg 2.2. Keys made for this and used for nothing else.
 */
#pragma once

[[gnu::unused]] static const char vector_digest[] =
	"sha256:681d99dc9f51b6e2cd761fff06766da4c773f574c0dab93e96b3de3f4e9e61bf";
[[gnu::unused]] static const char vector_name[] =
	"localhost:5000/team/app:1.0";
[[gnu::unused]] static const char vector_cosign_pub[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZA6Iy5l/wNGaBogovQ86nTvv56cr\n"
	"TmxXmOvtko6OQz1d8PveI4jwzieVjG5KMjiNhJQsQo5CagfMVW6Fbfv1jQ==\n"
	"-----END PUBLIC KEY-----\n";
[[gnu::unused]] static const char vector_cosign_key[] =
	"-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n"
	"eyJrZGYiOnsibmFtZSI6InNjcnlwdCIsInBhcmFtcyI6eyJOIjo2NTUzNiwiciI6\n"
	"OCwicCI6MX0sInNhbHQiOiJHWDMyYzNXcFRHK1RNei9WMXhIeXhLRk5LY1ZSZ09R\n"
	"OW1tVExJSEhQbTI4PSJ9LCJjaXBoZXIiOnsibmFtZSI6Im5hY2wvc2VjcmV0Ym94\n"
	"Iiwibm9uY2UiOiJNaTcreTNXdWNHTjYwaXhnNFd6WkpmVXJINHpqamF6WiJ9LCJj\n"
	"aXBoZXJ0ZXh0IjoiOWtyVFd5OVpmcTY4Z09DZWRtb0ZpNVV0TVV6U1h4MHR3a0lp\n"
	"SmlWaHVzNE54LzE5T0NTTVdUTVEwVE1WUDBodERESjlUWmJaYy9iTDBabllFajJJ\n"
	"L1lZY0Vsd21tU05PQWU2ZVBjR01pVmJzUUZuSWF2Rm15RC85dU9iaXdiaGYvTS9i\n"
	"NkJ5aUdNUWRJQlB4bVEveVY0amYweW52d3pCMmdXTzJPTzEvMm84ekxwWCtRMUFm\n"
	"SXdvS05LOUh0YVZqeTR3dUFDaEhBUmo1eWc9PSJ9\n"
	"-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n";
[[gnu::unused]] static const char vector_cosign_payload[] =
	"{\"critical\":{\"identity\":{\"docker-reference\":\"localhost:5000/team/app\"},\"image\":{\"docker-manifest-d"
	"igest\":\"sha256:681d99dc9f51b6e2cd761fff06766da4c773f574c0dab93e96b3de3f4e9e61bf\"},\"type\":\"cosign conta"
	"iner image signature\"},\"optional\":null}";
[[gnu::unused]] static const char vector_cosign_signature[] =
	"MEUCIDnCX7Bo8bU3SjPmnByH5tHZqisApNAZLtErkGtzMb+IAiEAqe5Ijdc/0K+EUk1KuUVeFDiohGHeAnI+eSS0EnfI3R4=";
[[gnu::unused]] static const char vector_cosign_bundle[] =
	"{\"mediaType\":\"application/vnd.dev.sigstore.bundle.v0.3+json\", \"verificationMaterial\":{\"publicKey\":{\""
	"hint\":\"piqQOfeSo2JdUvGSyTcbmQmf0ru9+u0rAe7MnjohOy4=\"}}, \"dsseEnvelope\":{\"payload\":\"eyJfdHlwZSI6Imh0d"
	"HBzOi8vaW4tdG90by5pby9TdGF0ZW1lbnQvdjEiLCAic3ViamVjdCI6W3siZGlnZXN0Ijp7InNoYTI1NiI6IjY4MWQ5OWRjOWY1MWI2ZTJjZ"
	"Dc2MWZmZjA2NzY2ZGE0Yzc3M2Y1NzRjMGRhYjkzZTk2YjNkZTNmNGU5ZTYxYmYifSwgImFubm90YXRpb25zIjp7fX1dLCAicHJlZGljYXRlV"
	"HlwZSI6Imh0dHBzOi8vc2lnc3RvcmUuZGV2L2Nvc2lnbi9zaWduL3YxIiwgInByZWRpY2F0ZSI6e319\", \"payloadType\":\"applica"
	"tion/vnd.in-toto+json\", \"signatures\":[{\"sig\":\"MEQCIB80vIvJS5QCJGGDYufNrbERMHQbrHegVSapIW8mrELvAiBh1Vd0"
	"reKnKCXi4JD0fKR4KsRPTrGG7vpd54VG9ugQzg==\"}]}}";
[[gnu::unused]] static const char vector_ed25519_pub[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MCowBQYDK2VwAyEAVt4PI0xRQupQGxIlm0jZn7E63iOvSejKckrBUwrtum4=\n"
	"-----END PUBLIC KEY-----\n";
[[gnu::unused]] static const char vector_ed25519_signature[] =
	"FGsPAFkbWclJyRtojgp8EiZKl/3nvy5uqbOUXNBVnpbr+j0bxyYg22e0+FBGkPCq3E2Tm+kgwXI3fx8LVlLUDw==";
[[gnu::unused]] static const char vector_rsa_pub[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA6QISA2jgyFQJb89AtoYB\n"
	"fj7ScxpIy3J9deCJqjEjzm753mAsNmcGacOMdOIhxvFg9U0VcCJhwZFueiVQtvXz\n"
	"flQJ7jVFomSYg8hD41RYUH23W1mDVG1jIpYTFx/IGfDnCYCdz0cv6g+t0qdV6WwQ\n"
	"EqRPSL8qAiwXy+BP9W+R80JKohS4gpVfNZV5SXteJOeJg5cuFvKeGanuEeccmC2J\n"
	"LP91+XcnN/EZ6pFMPLOxIxk17GuH92nwNNtswd3tgA5MqI2OFthbl51RAA0SSlFl\n"
	"s7PYAy4KlfcKleiXF2+6tCDSUy3TGUDHmsb7n9RLb+fpDvgzYDX9nq+2dBFEeq5C\n"
	"pQIDAQAB\n"
	"-----END PUBLIC KEY-----\n";
[[gnu::unused]] static const char vector_rsa_signature[] =
	"kEqPNOGCJ2LsPc7O30R0HJinCIaM12FqnxtPcryt7vgQQ9zg/82mVveLueOuEGkqvyOQM3VnpAZjNOGKe7fpXF10KiaANclyPhFEavv3imqme"
	"Gfpi6kFQIswqbYktuwY27lbUrPAkVQF4GtrqYsgjkdRXyFhYHSO9UdbuvmwofmRiXiE91oczs5Tv9AzgvxPLoB7Z2dv0IeBObORsMYPkCpJQ"
	"Y/AD8LvmSSFPc/tdU1xhLvjV+o5wOH86m501M3YVFneq2SuppbiO5e2WVSc2z8sOpqB/jIWhQ20F15YA7pyVuzlnau0s0qHKscwa1LDJyIG3"
	"Ix3aKfm1i9/esiapQ==";
[[gnu::unused]] static const char vector_p384_pub[] =
	"-----BEGIN PUBLIC KEY-----\n"
	"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEkMNQA1x2jSYAHiFHcjGtt6WLq13eqFI3\n"
	"IE/Vg6W4Zgqb9+ARe7Iduhswa3ak8AOO1KI6hqd/miSHYevHmutfqivK6h7/t/Hw\n"
	"MiczAaAgfNo6xknLk+tHYk/zqFTr9ZAT\n"
	"-----END PUBLIC KEY-----\n";
[[gnu::unused]] static const char vector_gpg_pub[] =
	"-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
	"\n"
	"mDMEawawWxYJKwYBBAHaRw8BAQdAOEHbn2WMQPkqimbtCKydHHGpOK/LwOlz8m7M\n"
	"uJG/jV20F1Rlc3QgPHRlc3RAZXhhbXBsZS5jb20+iJAEExYIADgWIQRNM3ZMldQt\n"
	"z54YVsuyXcuKlqfhPgUCawawWwIbAwULCQgHAgYVCgkICwIEFgIDAQIeAQIXgAAK\n"
	"CRCyXcuKlqfhPrdTAQCAhTGaqb3mZ/GqCypimBIQV9xQhzo3mjNbgcT5IuQJHQD8\n"
	"DGG74GUjDxyOoTxUgUZNe1PifBE5sEA3aypKEqqi+Qs=\n"
	"=6je5\n"
	"-----END PGP PUBLIC KEY BLOCK-----\n";
[[gnu::unused]] static const char vector_gpg_other_pub[] =
	"-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
	"\n"
	"mDMEawawWxYJKwYBBAHaRw8BAQdADWA9g2E5TF7v1SB4e4vFk4a6batP1/CBc0rI\n"
	"nCgsxg+0GU90aGVyIDxvdGhlckBleGFtcGxlLmNvbT6IkAQTFggAOBYhBAI79xqM\n"
	"F1l6I7WKH324y8fDwmT2BQJrBrBbAhsDBQsJCAcCBhUKCQgLAgQWAgMBAh4BAheA\n"
	"AAoJEH24y8fDwmT2QjIBAId+4edaRvuacpg8yUU2Fuj9XlinHfwb47FfOVvQYTqD\n"
	"AQCEzPQROkWVzMFakB0YQ1Obt6byLt+nNkoatwAZqK2XCA==\n"
	"=evn+\n"
	"-----END PGP PUBLIC KEY BLOCK-----\n";
[[gnu::unused]] static const char vector_gpg_fingerprint[] =
	"4D33764C95D42DCF9E1856CBB25DCB8A96A7E13E";
[[gnu::unused]] static const char vector_gpg_message_base64[] =
	"owGbwMvMwCG2KfZ017TlD+0Y1zIqJ3EXZ+YW5KTqZRXn52WzbYipVkouyizJTE7MUbKqVspMSc0rySypBLFT8pOzU4t0i1LTUotS85JTlayUc"
	"vKB6jLyi0usTA0MDPRLUhNz9RMLCqwM9QyUanWUMnMT01ORtOYm5mWmpRaX6KZkpgMpoAHFGYlGpmZWZhaGKZaWKcmWaaaGSWapRskp5maGa"
	"WlpBmbmZmYpiSbJ5ubGaabmJskGKYlJlsaplmZJximpxmkmqZapZoZJaSDLSioLQE5KLMnPzUxWSM7PK0nMzEstUijOTM9LLCktSgUpyi8oy"
	"czPg/gtuSgVqLgIqKcE5BigCZm5QEZiboGSlaGZARTU1na0szCIcTDoiymy+BqX+Uy9ont+nkTYaVgosjKBgk1QBmSIQ2pFIjg0k/NzGbg4B"
	"WBqmD0Z/hkZTIoU5DhSz/n5t0wT73qer/cl2XX01vqnTjCS/xS56Twjw9/oC83+aknXwi29fxru2l+59lGD/dZ3ibcWRK2ItJB04AIA";
[[gnu::unused]] static const char vector_gpg_payload[] =
	"{\"critical\":{\"identity\":{\"docker-reference\":\"localhost:5000/team/app:1.0\"},\"image\":{\"docker-manife"
	"st-digest\":\"sha256:681d99dc9f51b6e2cd761fff06766da4c773f574c0dab93e96b3de3f4e9e61bf\"},\"type\":\"atomic c"
	"ontainer signature\"},\"optional\":{\"creator\":\"test\",\"timestamp\":1600000000}}";
