# make run      install what is missing and serve on http://127.0.0.1:20128
# make test     the whole test suite; says what it left out where Chromium, PostgreSQL or Redis are missing
# make test-unit  what needs no server process, browser, PostgreSQL or Redis: two minutes on two processors
# make test-clients  real command-line clients against the gateway: downloads about 5 GB once (ARGS="-k codex")
# make check    formatting, lint and types
# make bench    measure the running gateway on this machine (ARGS="--quick")
# make install  the virtual environment alone; what only the tests need comes with `make test`
#
# Variables: PYTHON (interpreter for the virtual environment), VENV (where it is), ARGS (passed on to the command).

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
TOOLS := $(VENV)/.installed-tools
SUITABLE := import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Many containers set it. Each test run would compile all its files anew, ten seconds a process.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install run test test-unit test-clients check format bench clean
.DEFAULT_GOAL := run

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@set -e; \
	if ! "$(BIN)/python" -c "" 2>/dev/null; then \
	  for python in $(PYTHON) python3.11 python3.12 python3.13 python3.14 python3 python; do \
	    if "$$python" -c "$(SUITABLE)" 2>/dev/null; then found="$$python"; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo "Python 3.11 or newer with its venv module is needed (Debian: apt install python3 python3-venv)." >&2; exit 1; \
	  fi; \
	  echo "Creating $(VENV) with $$found"; \
	  "$$found" -m venv --clear "$(VENV)"; \
	fi; \
	echo "Installing into $(VENV)"; \
	"$(BIN)/python" -m pip install --quiet -c constraints.txt -e ".[cluster]"; \
	touch "$@"

$(TOOLS): $(STAMP)
	@echo "Installing what the tests need"
	@"$(BIN)/python" -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch "$@"

run: $(STAMP)
	@exec $(BIN)/omniroute serve $(ARGS)

test: $(TOOLS)
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-unit: $(TOOLS)
	$(BIN)/python -m pytest -n logical --dist loadfile -m "not e2e and not browser and not cluster" \
	  --ignore tests/e2e --ignore tests/clients $(ARGS)

test-clients: $(TOOLS)
	OMNIROUTE_CLIENT_TESTS=1 $(BIN)/python -m pytest tests/clients $(ARGS)

check: $(TOOLS)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .

format: $(TOOLS)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	$(BIN)/python -m bench $(ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
