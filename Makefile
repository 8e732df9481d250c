# make          builds
# make run      trains a network on MNIST
# make serve    lets a model answer over HTTP: MODEL=results/lenet/latest; trains one if there is none
# make test     everything that CI runs
# make install  puts the program, its manual page and completions under PREFIX; make uninstall
# make lint     the formatting
# make images   the readers of images against Pillow, on 1,800 files
# make address  all tests under the address sanitizer
# make thread   what several threads do together, under the thread sanitizer
# make clients  exported models, opened by the programs that they are for, of which it installs 2 GB
# make clients-all  the same in all ways; clients-tensorflow is of TensorFlow and OpenVINO
# make faults   system calls fail, each in turn; STRIDE=50 tries every fiftieth
# make fuzz     hostile bytes to a reader: TARGET=png TIME=1200; without TARGET, which there are
#
# ARCH=x86-64-v3 builds for other machines than this one; results keep their bits.

ARCH ?= native
PREFIX ?= /usr/local
SWIFT ?= swift
DATA := $(if $(RUNNER_DATA),$(RUNNER_DATA),data)
# A square root that sets errno for negative numbers is computed one at a time; nothing reads it. Loops
# that matter lie in one module each: to optimize across modules takes a third of the compiler's time. What a
# module declares would then be written by a second process, which reads all of the module once more.
OPTIMIZED := -Xcc -march=$(ARCH) -Xcc -fno-math-errno -Xswiftc -disable-cmo \
  -Xswiftc -no-emit-module-separately-wmo
# What a debugger reads is of the tests' builds.
PLAIN_SYMBOLS := -debug-info-format none
# Package.swift tells of its own modules which are optimized; what parses the command line need not be.
PROGRAM := $(OPTIMIZED) $(PLAIN_SYMBOLS) -Xswiftc -Onone
FLAGS := $(PROGRAM)
STRICT := -Xswiftc -warnings-as-errors
# Tests are built in a folder for each kind, or each would build again what the other built.
OPTIMIZED_TESTS := -c release $(OPTIMIZED) $(STRICT) -Xswiftc -enable-testing
# Where optimized code frees an array at its last use, unoptimized code keeps it: the sanitizers look at
# the former.
ADDRESS := $(OPTIMIZED_TESTS) --sanitize address -Xswiftc -use-ld=lld --scratch-path .build-asan
THREAD := $(OPTIMIZED_TESTS) --sanitize thread -Xswiftc -use-ld=lld --scratch-path .build-tsan
PLAIN := $(OPTIMIZED_TESTS) --scratch-path .build-test
# What several threads or processes do together.
THREADED := TeamTests|DeterminismTests|ConvNetTests.MemoryTests|LocatorTests|FormatTests|IDXTests|ImageFolderTests|PredictTests|SpecialFileTests|RunnerTests.SweepTests
# What ends by a signal on purpose, or of a full disk, which this sanitizer tells in its own way.
SIGNALLED := aTrialThatTrapsTakesNoOtherWithIt|aFullDiskLosesNothing
# What limits the address space, of which the sanitizer takes terabytes, or counts what is allocated.
UNBOUNDED := littleAddressSpace|whatDoesNotFit|whatIsAskedForIsEnough|hostileFilesTakeNoMemory
# What Swift's globals own looks lost to the leak check: it does not know the spare bits of pointers. To
# ask for too much is an error that the program tells; to trap is a signal that tests wait for.
export ASAN_OPTIONS ?= detect_leaks=0:allocator_may_return_null=1:handle_sigill=0
export TSAN_OPTIONS ?= halt_on_error=1 suppressions=$(CURDIR)/Tests/tsan.txt
# The C library fills what is freed, and keeps none of it back for the next that asks.
PERTURBED := GLIBC_TUNABLES=glibc.malloc.perturb=90:glibc.malloc.tcache_count=0
TIME ?= 1200
STRIDE ?= 1
RELEASE := .build/release/runner
REFERENCES := $(wildcard results/reference/ci/*)
PACKAGES := libopenblas-dev liblapacke-dev zlib1g-dev libpng-dev libssl-dev libjpeg-dev libbz2-dev \
  libwebp-dev libtiff-dev libgif-dev

# The server, a package of its own, in a build folder of its own. With what it depends on it is built by the
# same flags for all purposes; that its own warnings are errors, its manifest sees to.
SERVER := .build-serve/release/runner-serve
SERVER_PACKAGE := $(OPTIMIZED) $(PLAIN_SYMBOLS) --package-path Sources/Serving --scratch-path .build-serve

.PHONY: build run serve server serve-test serve-clients serve-clients-packages install uninstall test unit-tests address \
  thread fuzz faults end-to-end clients clients-all clients-tensorflow clients-packages install-test slurm \
  verify-reference images lint format packages clean

build: packages
	$(SWIFT) build -c release $(FLAGS) --product runner

run: build
	$(RELEASE) experiments/lenet.json

server: packages
	$(SWIFT) build -c release $(SERVER_PACKAGE) --product runner-serve

# The newest model there is, or one that learns MNIST (or, where it can't be had, drawn digits) in seconds.
MODEL ?=
serve: build server
	@model="$(MODEL)"; \
	[ -n "$$model" ] || model=$$(ls -td results/*/latest/model.safetensors 2>/dev/null | head -n 1); \
	[ -n "$$model" ] || { $(RELEASE) experiments/speed.json && model=results/speed/latest; }; \
	exec $(RELEASE) serve "$$model"

# The manual page and the completions follow from the commands' own help.
SHARE := $(DESTDIR)$(PREFIX)/share
INSTALLED := $(DESTDIR)$(PREFIX)/bin/runner $(DESTDIR)$(PREFIX)/bin/runner-serve $(SHARE)/man/man1/runner.1 \
  $(SHARE)/bash-completion/completions/runner $(SHARE)/zsh/site-functions/_runner \
  $(SHARE)/fish/vendor_completions.d/runner.fish

install: build server
	$(SWIFT) build -c release $(FLAGS) --product generate-manual
	@mkdir -p .build/manual $(sort $(dir $(INSTALLED)))
	@.build/release/generate-manual $(RELEASE) --output-directory .build/manual
	install $(RELEASE) $(DESTDIR)$(PREFIX)/bin/runner
	install $(SERVER) $(DESTDIR)$(PREFIX)/bin/runner-serve
	install -m 644 .build/manual/runner.1 $(SHARE)/man/man1/runner.1
	$(RELEASE) --generate-completion-script bash > $(SHARE)/bash-completion/completions/runner
	$(RELEASE) --generate-completion-script zsh > $(SHARE)/zsh/site-functions/_runner
	$(RELEASE) --generate-completion-script fish > $(SHARE)/fish/vendor_completions.d/runner.fish

uninstall:
	rm -f $(INSTALLED)

# One set of flags for all checks, or each would build again what the one before it built.
test end-to-end clients clients-all clients-tensorflow faults install-test serve-test serve-clients \
  slurm verify-reference: FLAGS := $(PROGRAM) $(STRICT)

test serve-test serve-clients install-test: export STRICT_SERVER := 1

test: STRIDE := 50
test: SHORT := --short
test: packages lint unit-tests thread end-to-end clients serve-test serve-clients install-test slurm \
  faults verify-reference
	@echo "make test: all passed"

# The numeric suites and the readers run optimized too: what is fast must be right.
unit-tests: packages
	@echo "== all tests"
	$(SWIFT) test $(STRICT)
	@echo "== products, and who asks for them, by the kernel for AVX2"
	RUNNER_VECTOR_LEVEL=1 $(SWIFT) test $(STRICT) --skip-build \
	  --filter 'ConvNetTests.(ProductTests|DeterminismTests)'
	@echo "== numbers, data and readers, optimized, under the address sanitizer"
	$(SWIFT) test $(ADDRESS) --skip '$(UNBOUNDED)' \
	  --filter 'StorageTests|StatisticsTests|ConvNetTests|DatasetsTests|ReaderTests|CheckpointTests|SafetensorsTests'

address: packages
	@echo "== all tests, under the address sanitizer"
	$(SWIFT) test $(ADDRESS) --skip '$(UNBOUNDED)'

thread: packages
	@echo "== what threads and processes do together, under the thread sanitizer"
	$(SWIFT) test $(THREAD) --filter '$(THREADED)' --skip '$(SIGNALLED)'

# libFuzzer until the first finding, or for so many seconds. What it learns stays in .build-fuzz, what
# it finds there in found/TARGET-*: mended, it belongs to Tests/ReaderTests/corpus/TARGET.
fuzz: packages
	@library=$$($(SWIFT) -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p') && \
	FUZZ=1 $(SWIFT) build --product fuzz $(OPTIMIZED_TESTS) --sanitize address \
	  --scratch-path .build-fuzz -Xswiftc -Xfrontend -Xswiftc -sanitize=fuzzer \
	  -Xcc -fsanitize=fuzzer-no-link -Xswiftc -use-ld=lld -Xlinker --whole-archive \
	  -Xlinker $$library/clang/lib/linux/libclang_rt.fuzzer_no_main-$$(uname -m).a \
	  -Xlinker --no-whole-archive -Xlinker -lstdc++
	@mkdir -p .build-fuzz/corpus/$(TARGET) .build-fuzz/found
	SWIFT_BACKTRACE=enable=no TARGET=$(TARGET) .build-fuzz/release/fuzz -max_total_time=$(TIME) \
	  -timeout=20 -rss_limit_mb=2500 -max_len=16384 -artifact_prefix=.build-fuzz/found/$(TARGET)- \
	  .build-fuzz/corpus/$(TARGET) Tests/ReaderTests/corpus/$(TARGET)

end-to-end: build
	Tests/end-to-end.sh $(RELEASE)

# Where the virtual environment can't be made, that is said and nothing is opened. The other two, for a
# night, write down what they find: Tests/clients/results.md and tensorflow.md.
clients: build clients-packages
	Tests/clients/end-to-end.sh $(RELEASE) .build-clients

clients-all: build clients-packages
	Tests/clients/end-to-end.sh $(RELEASE) .build-clients Tests/clients/results.md Tests/clients/int8.md

clients-tensorflow: build clients-packages
	Tests/clients/tensorflow.sh $(RELEASE) .build-clients-tensorflow Tests/clients/tensorflow.md

# What makes the environment, and the compilers for headers.
clients-packages:
	@$(MAKE) --no-print-directory packages PACKAGES="python3-venv gcc g++" \
	  || echo "clients: not all that they need can be installed"

# Its tests are in its package, so that those of all else don't wait for what it depends on. They import
# nothing @testable: built for that, the server and all that it depends on would be built a second time.
serve-test: packages
	@echo "== the server"
	$(SWIFT) test -c release --disable-testable-imports $(SERVER_PACKAGE)

# What speaks to servers elsewhere speaks to this one, and attacks on servers find it standing. What can't be
# had is said and left out. In full it takes some minutes, as a part of `make test` fewer; what was found is in
# Tests/clients/serving.md.
serve-clients: build server serve-clients-packages
	PATH="$$PATH:$(CURDIR)/.build-promtool/usr/bin" \
	  Tests/clients/serving.sh $(RELEASE) $(SERVER) .build-clients-serving $(SHORT)

# Of Prometheus the one program that is needed: installed, it would be a server that is started.
serve-clients-packages:
	@for package in python3-venv curl slowhttptest chromium; do \
	  $(MAKE) --no-print-directory packages PACKAGES=$$package || echo "serve-clients: no $$package"; \
	done; \
	command -v promtool > /dev/null || [ -x .build-promtool/usr/bin/promtool ] || \
	  { mkdir -p .build-promtool && cd .build-promtool && apt-get download -qq prometheus && \
	    dpkg -x prometheus_*.deb . && rm prometheus_*.deb; } || echo "serve-clients: no promtool"

faults: build
	@$(MAKE) --no-print-directory packages PACKAGES=strace
	Tests/faults.sh $(RELEASE) $(STRIDE)

install-test: build
	@folder=$$(mktemp -d) && \
	$(MAKE) --no-print-directory install PREFIX=/usr DESTDIR=$$folder FLAGS='$(FLAGS)' > /dev/null && \
	test "$$($$folder/usr/bin/runner --version)" = "$$($(RELEASE) --version)" && \
	test "$$($$folder/usr/bin/runner serve --version)" = "$$($(RELEASE) --version)" && \
	grep -q 'learning rate rises' $$folder/usr/share/man/man1/runner.1 && \
	bash -c "source $$folder/usr/share/bash-completion/completions/runner; complete -p runner" \
	  > /dev/null && \
	grep -q '^#compdef runner' $$folder/usr/share/zsh/site-functions/_runner && \
	grep -q 'complete -c .*runner' $$folder/usr/share/fish/vendor_completions.d/runner.fish && \
	$(MAKE) --no-print-directory uninstall PREFIX=/usr DESTDIR=$$folder > /dev/null && \
	test -z "$$(find $$folder -type f)" && rm -r $$folder && echo "install-test: passed"

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

# PYTHON is one with NumPy and Pillow (Tests/requirements.txt).
PYTHON ?= python3
images: READ := RUNNER_IMAGES=$(CURDIR)/.build-images $(SWIFT) test --skip-build --filter ImageDigest
images: PACKAGES += libjpeg-turbo-progs
images: packages
	$(PYTHON) Tests/DatasetsTests/Fixtures/make_images.py .build-images
	$(SWIFT) build --build-tests $(PLAIN)
	$(PERTURBED) $(READ) $(PLAIN)
	$(SWIFT) build --build-tests $(ADDRESS)
	$(READ) $(ADDRESS)

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
	rm -rf .build .build-*
