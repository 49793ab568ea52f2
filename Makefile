# make demo   see sixty taps judged, stored, uploaded        make test   every test but the longest; .ci/run adds two steps
# make check  lint, types and the tests that your changes touch: the loop while you work
# make docs   the documentation as a site in build/site
# make setup  only the environment (.venv); the other targets do it themselves when something is missing or has changed

PY      := .venv/bin/python
CORE    := $(wildcard validator/binding/*.c validator/core/*.c)
HEADERS := $(wildcard validator/binding/*.h validator/core/*.h validator/core/*.def validator/core/include/yima/*.h validator/core/include/yima/*.def)
C_FILES  = $(shell find validator sdk firmware_images hwsim benchmarks tests -name '*.[ch]')
EXT     := validator/_core.abi3.so
WEB     := sdk/web/page/core_wasm.js
SEARCH  := sdk/web/page/packed_search.js
CFLAGS_CORE := -std=c11 -Wall -Wextra -Wpedantic -Wshadow -Ivalidator -Ivalidator/core/include -DPy_LIMITED_API=0x030b0000
# Where there is no compiler, the one from PyPI takes its place. Asked late: setup may just have installed one.
CC_HERE = $(if $(shell which cc 2>/dev/null),cc,$(CURDIR)/$(PY) -m ziglang cc)

# Bytecode is kept, also where the environment says otherwise: tests start hundreds of processes, and each would compile
# all that it imports.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint sanitize coverage pytest bytecode counts test-long mutate bench docs release lock clean
SANITIZED := build/sanitize/yima/validator/_core.abi3.so

help:
	@sed -n '1,4s/^# //p' Makefile

# The core for Python and the core for browsers are compiled side by side.
setup: .venv/.installed
	@$(MAKE) --question $(EXT) $(WEB) $(SEARCH) || $(MAKE) --no-print-directory $(if $(findstring jobserver,$(MAKEFLAGS)),,--jobs=2) $(EXT) $(WEB) $(SEARCH)

.venv/.installed: requirements.lock requirements-setup.lock .ci/setup
	bash .ci/setup
	@touch $@

# Old metadata beside the sources would hide new entry points.
$(EXT): .venv/.installed pyproject.toml $(CORE) $(HEADERS)
	rm -rf *.egg-info
	CC="$(CC_HERE)" LDSHARED="$(CC_HERE) -shared" $(PY) -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The core of the page, for browsers.
$(WEB): .venv/.installed $(CORE) $(HEADERS) sdk/web/build.py sdk/web/glue.c
	$(PY) sdk/web/build.py core

# The page's diagnosis, for a worker.
$(SEARCH): .venv/.installed sdk/web/build.py $(filter-out $(WEB) $(SEARCH),$(wildcard sdk/web/page/*.js))
	$(PY) sdk/web/build.py search

demo: setup
	.venv/bin/yima demo

# What keeps one core busy runs side by side; then come the tests, each lot of them on all cores.
test: setup
	$(MAKE) --jobs=$$(nproc) --output-sync=target lint counts bytecode $(SANITIZED)
	$(MAKE) sanitize
	$(MAKE) pytest

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	@.venv/bin/clang-format --dry-run -Werror $(C_FILES)
	.ci/warnings
	.venv/bin/mypy
	.venv/bin/mypy .ci/release.py

# The tests of the core, for builds of it that watch what it does.
CORE_TESTS := tests/validator/core tests/validator/test_entries.py tests/validator/test_lab_vectors.py tests/validator/packages/test_form.py \
	tests/validator/packages/test_package.py tests/validator/deny/test_denylist.py \
	tests/validator/parameters tests/validator/judging tests/validator/journal/test_facts.py

# The core and its binding under AddressSanitizer and UndefinedBehaviorSanitizer, fed by the same tests but those that
# compile the core for themselves: their library is not the one that is watched.
BUILD_THEIR_OWN := $(addprefix --ignore=tests/validator/core/test_, c_interface.py c_loop.py facts.py flashlog.py flashlog_rot.py flashlog_worn.py sm2_board.py)
# Not run again without sanitizers: but for the lab's vectors and SM2, where another compilation might err.
SANITIZED_TESTS = $(filter-out $(patsubst --ignore=%,%,$(BUILD_THEIR_OWN)) tests/validator/test_lab_vectors.py $(wildcard tests/validator/core/test_sm2*.py), \
	$(shell find $(CORE_TESTS) -name 'test_*.py'))
WATCHED := $(patsubst %.c,build/sanitize/%.o,$(CORE))
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined
PYTHON_H = -I"$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("include"))')"

sanitize: $(SANITIZED)
	LD_PRELOAD="$$($(CC_HERE) -print-file-name=libasan.so) $$($(CC_HERE) -print-file-name=libubsan.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 YIMA_CORE_IN=build/sanitize \
	.venv/bin/pytest -n auto --dist loadfile -o pythonpath="build/sanitize ." -p no:cacheprovider -m "not slow and not long" --timeout 300 $(CORE_TESTS) $(BUILD_THEIR_OWN)

build/sanitize/%.o: %.c $(HEADERS)
	@mkdir -p $(@D)
	$(CC_HERE) $(CFLAGS_CORE) $(SANITIZERS) -O1 -g -fno-omit-frame-pointer -fPIC $(PYTHON_H) -c $< -o $@

$(SANITIZED): $(EXT) $(WATCHED) $(wildcard validator/*.py validator/*/*.py)
	rm -rf build/sanitize/yima && mkdir -p build/sanitize/yima/validator
	cp -r validator/*.py $(dir $(wildcard validator/*/__init__.py)) build/sanitize/yima/validator/
	$(CC_HERE) $(SANITIZERS) -shared $(WATCHED) -o $@

# Which branches of the core its tests take: fails below 97 %, and for each one untaken that benchmarks/branches.toml does
# not list with its reason. Without optimisation, so that a condition of the source is a branch; counters start anew.
# Here also the tests of what the core takes from the host: packages in parts, and where a bus is.
COUNTED := $(patsubst %.c,build/coverage/%.o,$(CORE))
COUNTED_TESTS := tests/sdk/parameters tests/validator/packages tests/validator/test_device_place.py \
	tests/validator/upkeep/test_pulling_parts.py tests/firmware_images/test_own_part.py

coverage: build/coverage/yima/validator/_core.abi3.so
	find build/coverage -name '*.gcda' -delete
	YIMA_CORE_IN=build/coverage YIMA_COVERAGE_IN=build/coverage \
	.venv/bin/pytest -n auto --dist loadfile -o pythonpath="build/coverage ." -p no:cacheprovider -m "not slow and not long" --timeout 300 $(CORE_TESTS) $(COUNTED_TESTS)
	$(PY) -m benchmarks.branches build/coverage --check

build/coverage/%.o: %.c $(HEADERS)
	@mkdir -p $(@D)
	gcc $(filter-out -W%,$(CFLAGS_CORE)) -O0 -fomit-frame-pointer $(if $(findstring /core/,$<),--coverage) -fPIC $(PYTHON_H) -c $< -o $@

build/coverage/yima/validator/_core.abi3.so: $(EXT) $(COUNTED) $(wildcard validator/*.py validator/*/*.py)
	rm -rf build/coverage/yima && mkdir -p build/coverage/yima/validator
	cp -r validator/*.py $(dir $(wildcard validator/*/__init__.py)) build/coverage/yima/validator/
	gcc --coverage -shared $(COUNTED) -o $@

# Instruction counts of the core and of a camera's frame, exact; fails on growth. Renewing them is told by the command
# itself.
counts: setup
	$(PY) -m benchmarks.instructions --check
	$(PY) -m benchmarks.board --check

# Two workers more than cores, for many tests wait; whoever has nothing left takes over what waits at another.
PYTEST_ALL = .venv/bin/pytest -n $$(($$(nproc) + 2)) --dist worksteal

pytest: setup
	$(PYTEST_ALL) $(addprefix --ignore=,$(SANITIZED_TESTS))

# The tests as pytest compiles them: otherwise each worker does it for itself, half a minute long.
bytecode: setup
	.venv/bin/pytest --collect-only -q -p no:cacheprovider >/dev/null

check: setup lint
	$(PYTEST_ALL) -m "not slow and not long" $$($(PY) -m tests.affected)

# More than CI has time for: 100,000 random signatures against libcrypto, a power cut at every flash operation, 3000
# random codes on the board, clearing whole, killed at every commit and on Spark, 2,000 requests to the interfaces, a
# release, the firmware page by page. Fuzzing is `make fuzz`.
test-long: setup
	bash .ci/setup long
	YIMA_RANDOM_SIGNATURES=100000 YIMA_BOARD_CODES=3000 YIMA_COMMITS_EVERY=1 YIMA_STREAMS=3000 \
	.venv/bin/pytest tests/validator/core tests/hwsim/board/test_differential.py tests/firmware_images/test_framing.py \
		tests/sdk/centre/clearing/test_workspace.py
	YIMA_SCHEMA_CASES=2300 .venv/bin/pytest tests/sdk/centre/interfaces/test_schema.py
	YIMA_EXAMPLES=300 .venv/bin/pytest -n $$(nproc) tests/validator tests/sdk/bench tests/sdk/parameters tests/sdk/dissection
	YIMA_CUTS_EVERY=1 .venv/bin/pytest -m long

# Changes the core and the validator in one small way after the other and shows what no test notices: half an hour. Fails
# where fewer are noticed than tests/mutation/rates.json says. make mutate MUTATE="--only validator/core/deny.c --count 0"
mutate: setup
	YIMA_EXAMPLES=100 nice $(PY) -m tests.mutation $(MUTATE)

bench: setup
	$(PY) -m benchmarks
	$(PY) -m benchmarks.verify

# A warning is an error; what the theme says of its own future is told in decision 0018.
docs: setup
	$(PY) -c 'import mkdocs' 2>/dev/null || CC="$(CC_HERE)" LDSHARED="$(CC_HERE) -shared" $(PY) -m pip install --quiet --no-build-isolation --editable '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict

# The sdist and the wheels of the last commit, in dist/, each tried where nothing else is (docs/releasing.md).
release: setup
	$(PY) .ci/release.py
	for wheel in dist/*manylinux*.whl; do .ci/try-wheel $$wheel || exit 1; done

# The same of a version that has no date yet, untried, in build/wheels.
.PHONY: wheels
wheels: setup
	rm -rf build/wheels
	$(PY) .ci/release.py --rehearsal --out build/wheels

lock: .venv/.installed
	$(PY) -m pip install --quiet pip-tools
	.venv/bin/pip-compile --quiet --no-header --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --allow-unsafe --strip-extras --extra camera,hid,uplink,mqtt,metrics,centre,interfaces,postgres,excel,report,firmware,board,dev -o requirements.lock pyproject.toml
	.venv/bin/pip-compile --quiet --no-header --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --allow-unsafe --strip-extras --extra spark -c requirements.lock -o requirements-spark.lock pyproject.toml
	echo uv==0.13.9 | .venv/bin/pip-compile --quiet --no-header --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --allow-unsafe --strip-extras -o requirements-setup.lock -

clean:
	rm -rf .venv build dist *.egg-info $(EXT)

# The corpora through every fuzz target, then a minute of searching on each (tests/fuzz/README.md says more); for a night:
# make fuzz SECONDS_EACH=3600
SECONDS_EACH ?= 60
.PHONY: fuzz fuzz-seeds
fuzz: setup
	$(PY) -m tests.fuzz run --seconds $(SECONDS_EACH)

# Makes the corpora anew from seeds, what they held, and what searches found.
fuzz-seeds: setup
	$(PY) -m tests.fuzz seeds
