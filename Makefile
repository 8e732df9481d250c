# make          builds
# make run      trains a network on MNIST
# make test     everything that CI runs
# make lint     the formatting
#
# ARCH=x86-64-v3 builds for other machines than this one; results keep their bits.

ARCH ?= native
SWIFT ?= swift
DATA := $(if $(RUNNER_DATA),$(RUNNER_DATA),data)
# A square root that sets errno for negative numbers is computed one at a time; nothing reads it.
OPTIMIZED := -Xcc -march=$(ARCH) -Xcc -fno-math-errno
FLAGS := $(OPTIMIZED)
STRICT := -Xswiftc -warnings-as-errors
RELEASE := .build/release/runner
REFERENCES := $(wildcard results/reference/ci/*)
PACKAGES := libopenblas-dev liblapacke-dev zlib1g-dev libpng-dev libssl-dev libjpeg-dev libbz2-dev

.PHONY: build run test unit-tests end-to-end slurm verify-reference lint format packages clean

build: packages
	$(SWIFT) build -c release $(FLAGS)

run: build
	$(RELEASE) experiments/lenet.json

# One set of flags for all checks, or each would build again what the one before it built.
test unit-tests end-to-end slurm verify-reference: FLAGS := $(OPTIMIZED) $(STRICT)

test: packages lint unit-tests end-to-end slurm verify-reference
	@echo "make test: all passed"

# The numeric suites run optimized too: what is fast must be right.
unit-tests: packages
	$(SWIFT) build -c release $(FLAGS)
	$(SWIFT) test $(STRICT)
	$(SWIFT) test -c release $(FLAGS) -Xswiftc -enable-testing --scratch-path .build-test \
	  --filter 'ConvNetTests|DatasetsTests'

end-to-end: build
	Tests/end-to-end.sh $(RELEASE)

# A cluster of this one machine. Starting it takes root; it is installed for CI, not for a person.
slurm: build
	@if [ "$$(id -u)" != 0 ]; then echo "slurm: not tested, for that takes root"; \
	elif [ -n "$(CI)" ] || command -v slurmctld > /dev/null; then \
	  $(MAKE) --no-print-directory packages PACKAGES="slurm-wlm munge" && \
	  Tests/slurm/end-to-end.sh $(RELEASE); \
	else echo "slurm: not tested, for slurm-wlm is not installed"; fi

verify-reference: build
	@verified=0; left=; \
	for run in $(REFERENCES); do \
	  $(RELEASE) verify $$run; status=$$?; \
	  case $$status in \
	    0) verified=$$((verified + 1));; \
	    69) left="$$left $$run";; \
	    *) exit $$status;; \
	  esac; \
	done; \
	if [ -n "$$left" ]; then \
	  set -- $$left; echo "verify-reference: $$# left out, whose kernel this processor can't run:$$left"; \
	fi; \
	echo "verify-reference: $$verified verified"; [ $$verified -gt 0 ]

lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests

# The system libraries, where they are missing.
packages:
	@for package in $(PACKAGES); do \
	  dpkg-query -W -f='$${Status}' $$package 2>/dev/null | grep -q 'install ok installed' \
	    || missing="$$missing $$package"; \
	done; \
	if [ -n "$$missing" ]; then \
	  echo "installing:$$missing"; \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq $$missing; \
	fi

clean:
	rm -rf .build .build-test
