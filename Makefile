# The door to everything: each target is one or two scripts of tools/, which say in their first lines what they do.
#   make run        install what is missing, build, tell the demo story, keep serving
#   make test       install, build with sanitizers, run every test; ends with "N passed, N failed"
#   make test ONLY="flow wire"   some groups only
#   make install PREFIX=/usr/local DESTDIR=   the server, the header and pkg-config file for plugins, example plugins
#   make build | bench | fuzz | lint | format | transcript | clean
.PHONY: run test build install bench fuzz lint format transcript clean
.DEFAULT_GOAL := build

run: build
	@exec build/usher demo --walk --serve

test:
	@tools/install-deps build test npm
	@tools/run-tests $(ONLY)

build:
	@tools/install-deps build
	@tools/build release

install: build
	@tools/install $(PREFIX)

bench: build
	@tools/install-deps bench
	@tools/run-bench

fuzz:
	@tools/install-deps build fuzz
	@tools/run-fuzz

lint:
	@tools/install-deps build test lint
	@tools/lint

format:
	@tools/install-deps lint
	@tools/format

transcript: build
	@tools/make-transcript

clean:
	rm -rf build
