# Everything happens in this folder: the tools are in .venv, every other environment in .venvs (one for each file in
# requirements/: the SAM command line, the local cloud, Lambda's Python, the policy scanner, what the example setups need,
# Studio's older Jupyter servers, the mutation check, the bench's pictures), builds in .aws-sam.
# Needed: make, sh, git and a Python of at least 3.11 (say `make test PYTHON=python3.12` for one of another name; to change
# it later, `make clean` first).
PYTHON ?= python3
# A Python 3.9, if there is one, on PATH or pyenv's: what needs one is left out otherwise. Each is tried, since pyenv puts
# a python3.9 on PATH that does not work until a version is chosen.
PYTHON39 := $(shell for python in python3.9 $$(pyenv root 2>/dev/null)/versions/3.9.*/bin/python3.9; do \
  "$$python" -c '' 2>/dev/null && { echo "$$python"; break; }; done)
VENV := .venv
READY39 := $(if $(PYTHON39),$(patsubst %,.venvs/%-python39/.ready,jupyterlab3 notebook6))
READY := $(VENV)/.ready $(patsubst %,.venvs/%/.ready,cloud docs examples jupyterlab3 notebook6 plots runtime sam scan) $(READY39)
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

# `sam build` finds pip through PATH; `sam validate` wants a region, any region, and asks nobody there.
SAM := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 PATH="$(CURDIR)/$(BIN):$$PATH" .venvs/sam/bin/sam
# Asks nobody either: every check is in the package, and the waivers are in the template, each with its reason.
SCAN := .venvs/scan/bin/checkov --framework cloudformation --skip-download --compact --quiet
# uv takes seconds where pip takes minutes, but it does not read pip's configuration: where only that leads to a package
# index, pip has to do it.
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup test unit lint format build matrix fuzz mutants soak bench try demo docs docs-refresh check-aws clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Install the tools into this folder (the other targets do it when needed)

test: lint ## Check style, types and template, then run every test
	$(BIN)/python -m pytest --numprocesses 4 --dist worksteal

unit: $(VENV)/.ready ## Run the quick tests alone
	$(BIN)/python -m pytest tests/unit

lint: setup ## Check style, types and template
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/shellcheck .ci/run $$(find src demo examples -name '*.sh')
	$(SAM) validate
	$(SCAN) --file template.sam.yaml

format: $(VENV)/.ready ## Put the code into its house style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

build: setup ## Build what is deployed, in .aws-sam/build
	$(SAM) build

matrix: setup ## Inject every network fault at every step of a setup, for both app types
	MATRIX=full $(BIN)/python -m pytest tests/engine/test_matrix.py tests/house/test_faults_page.py --numprocesses 2

fuzz: $(VENV)/.ready ## Generate 100 000 streams and more against the pure parts and the engine, and count them (SEED=…: again)
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -p tests.support.fuzzing --hypothesis-seed $(or $(SEED),$$(date +%s)) \
	  --timeout 1800 tests/unit/test_properties.py tests/unit/test_properties_engine.py tests/unit/test_hostile_answers.py \
	  tests/shells/test_typed_text.py

mutants: .venvs/mutants/.ready ## Change the code in many small ways and see that a unit test notices each
	.venvs/mutants/bin/python -m tools.mutants

soak: setup ## Carry out 1 000 setups while things go wrong, then 200 at once
	PYTHONPATH=src:. $(BIN)/python -m bench.soak
	PYTHONPATH=src:. $(BIN)/python -m bench.storm

bench: setup ## Measure everything beside what one would pick instead, and write docs/performance.md (PARTS=…: some parts)
	@PYTHONPATH=src:. $(BIN)/python -m bench $(PARTS)

demo: $(VENV)/.ready $(patsubst %,.venvs/%/.ready,cloud runtime sam) $(READY39) ## Deploy to a cloud on this machine and watch an app being set up (APP=JupyterServer: Studio Classic; KEEP=1: leave it up; FLEET=1: look after twelve apps)
	@$(BIN)/python -m demo $(if $(APP),--app $(APP)) $(if $(KEEP),--keep) $(if $(FLEET),--fleet)

docs: .venvs/docs/.ready ## Build the documentation as a site, in .site
	NO_MKDOCS_2_WARNING=1 .venvs/docs/bin/mkdocs build --strict --quiet

docs-refresh: setup ## Write the generated pages of the documentation again, and record what they show of real runs
	PYTHONPATH=src:. $(BIN)/python -m tools.fleet_pages
	PYTHONPATH=src:. $(BIN)/python -m tools.notebook
	PYTHONPATH=src:. $(BIN)/python -m tools.pages
	@if command -v chromium >/dev/null; then PYTHONPATH=src:. $(BIN)/python -m tools.screenshots; \
	  else echo "There is no chromium: the screenshots stay as they are."; fi

check-aws: $(VENV)/.ready ## Check a deployment in your AWS account: DOMAIN_ID=… and USER_PROFILE_NAME=… or SPACE_NAME=…, see docs
	@PYTHONPATH=src $(BIN)/python -m studio_setup_cli verify --domain-id "$(DOMAIN_ID)" \
	  $(if $(SPACE_NAME),--space-name "$(SPACE_NAME)",--user-profile-name "$(USER_PROFILE_NAME)") \
	  --stack-name "$(or $(STACK_NAME),studio-setup)"

clean: ## Remove everything that make has made
	rm -rf $(VENV) .venvs .aws-sam .site .hypothesis .pytest_cache .mypy_cache .ruff_cache
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

# A changed requirement is installed into what is there; an environment whose Python is gone is made anew, and so is one
# that was left without pip (Debian's Python without python3-venv).
$(VENV)/.ready: requirements.txt src/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo nothing that runs)." \
	    "Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing the tools into $(VENV)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install uv==$(UV_VERSION) || { \
	  echo "pip reached no package index. Where yours is, pip's own configuration says, or PIP_INDEX_URL." >&2; exit 1; }
	@$(UV) $(BIN)/python -r requirements.txt || $(PIP) install -r requirements.txt
	@touch $@

# An environment of its own for each file in requirements/: what is pinned there cannot be installed with the tools.
.venvs/%/.ready: BASE = $(BIN)/python
.venvs/%-python39/.ready: BASE = $(PYTHON39)
.venvs/%/.ready: requirements/%.txt src/requirements.txt | $(VENV)/.ready
	@echo "Installing requirements/$*.txt into .venvs/$*"
	@.venvs/$*/bin/python -c '' 2>/dev/null || $(BASE) -m venv --clear --without-pip .venvs/$*
	@$(UV) .venvs/$*/bin/python -r $< || \
	  $(BASE) -m pip --quiet --disable-pip-version-check --python .venvs/$*/bin/python install -r $<
	@touch $@
