/* SPDX-License-Identifier: Apache-2.0 */
/* libcrypto's headers, whose type ERR_STATE (never used here) has the name of an error code of base/err.h. */
#pragma once

#define ERR_STATE openssl_ERR_STATE
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#undef ERR_STATE
