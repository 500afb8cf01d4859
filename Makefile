# SPDX-License-Identifier: Apache-2.0
# A thin front to meson and the scripts; `make help` lists what there is. Everything that is built lies below
# $(BUILD). A target installs what it needs with apt first, when something is missing.
BUILD  ?= $(CURDIR)/build
PREFIX ?= /usr/local
DESTDIR ?=
NINJA  ?= ninja
MESON_FLAGS ?=

.PHONY: help all build demo demo-clean check check-long bench fuzz install deb bundle cross-arm64 clean

help:
	@sed -n 's/^## //p' Makefile

## make               build the programs into build/product
all: build
.DEFAULT_GOAL := all

build:
	@tools/deps.sh build
	@echo "Building Rocket (a minute or so the first time) …"
	@tools/build.sh $(BUILD)/product --prefix=$(PREFIX) -Dtests=false $(MESON_FLAGS)

## make demo          three images by hand, one pod, one hole, one page; KEEP=1 leaves it running
demo: build
	@tools/deps.sh demo
	@demo/demo.sh $(BUILD)/product $(BUILD)/demo

## make demo-clean    stop and remove what KEEP=1 left
demo-clean:
	@demo/clean.sh $(BUILD)/product $(BUILD)/demo

## make check         everything that tests in minutes: units, fuzz in short, pods, other kernels
check:
	@tools/deps.sh build check
	@test/run.sh

## make check-long    what takes longer than ten minutes
check-long:
	@tools/deps.sh build check
	@test/run.sh long

## make bench         Rocket beside its peers and a floor
bench:
	@tools/deps.sh build check bench
	@bench/run.sh

## make fuzz          every parser of outside bytes, at length
fuzz:
	@tools/deps.sh build check
	@test/fuzz/run.sh

## make install       into DESTDIR (empty) and PREFIX (/usr/local)
install: build
	@meson install -C $(BUILD)/product --no-rebuild $(if $(DESTDIR),--destdir "$(abspath $(DESTDIR))")

## make deb           a Debian package in build/
deb:
	@tools/deps.sh build
	@packaging/deb.sh $(BUILD)

## make bundle        all programs, static, in one directory that runs anywhere: build/rocket-VERSION-ARCH
bundle:
	@tools/deps.sh build package
	@packaging/bundle.sh $(BUILD)

## make cross-arm64   the same for arm64, and its unit tests under qemu's user emulation
cross-arm64:
	@tools/deps.sh build package cross
	@tools/cross-arm64.sh $(BUILD)

## make clean         remove what was built
clean: demo-clean
	@rm -rf $(BUILD)
