# Everything happens in this folder: tools in .venv, the SAM command line in .venv-sam, the local cloud in .venv-cloud,
# what stands in for Lambda's Python in .venv-runtime, the template's policy scanner in .venv-scan, Studio's older Jupyter
# servers in .venv-notebook6 and .venv-jupyterlab3, builds in .aws-sam.
# Needed: make, sh, git and a Python of at least 3.11 (say `make test PYTHON=python3.12` for one of another name).
PYTHON ?= python3
VENV := .venv
VENV_SAM := .venv-sam
VENV_CLOUD := .venv-cloud
VENV_RUNTIME := .venv-runtime
VENV_SCAN := .venv-scan
VENV_NOTEBOOK6 := .venv-notebook6
VENV_JUPYTERLAB3 := .venv-jupyterlab3
VENV_MUTANTS := .venv-mutants
READY := $(addsuffix /.ready,$(VENV) $(VENV_SAM) $(VENV_CLOUD) $(VENV_RUNTIME) $(VENV_SCAN) $(VENV_NOTEBOOK6) $(VENV_JUPYTERLAB3))
BIN := $(VENV)/bin
UV_VERSION := 0.13.9

# `sam build` finds pip through PATH; `sam validate` wants a region, any region, and asks nobody there.
SAM := SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 PATH="$(CURDIR)/$(BIN):$$PATH" $(VENV_SAM)/bin/sam
# Asks nobody either: every check is in the package, and the waivers are in the template, each with its reason.
SCAN := $(VENV_SCAN)/bin/checkov --framework cloudformation --skip-download --compact --quiet
# uv takes seconds where pip takes minutes, but it does not read pip's configuration: where only that leads to a package
# index, pip has to do it.
UV := $(BIN)/uv pip install --quiet --compile-bytecode --python
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup test unit lint format build matrix fuzz mutants soak bench demo check-aws clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## Install the tools into this folder (the other targets do it when needed)

test: lint ## Check style, types and template, then run every test
	$(BIN)/python -m pytest --numprocesses 4 --dist worksteal

unit: $(VENV)/.ready ## Run the quick tests alone
	$(BIN)/python -m pytest tests/unit

lint: setup ## Check style, types and template
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/shellcheck .ci/run src/studio_setup/*.sh
	$(SAM) validate
	$(SCAN) --file template.sam.yaml

format: $(VENV)/.ready ## Put the code into its house style
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

build: setup ## Build what is deployed, in .aws-sam/build
	$(SAM) build

matrix: setup ## Inject every network fault at every step of a setup, for both app types
	MATRIX=full $(BIN)/python -m pytest tests/emulated/test_matrix.py tests/emulated/test_matrix_page.py --numprocesses 2

fuzz: $(VENV)/.ready ## Generate 100 000 streams and more against the pure parts and the engine, and count them (SEED=…: again)
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -p tests.unit.fuzzing --hypothesis-seed $(or $(SEED),$$(date +%s)) \
	  --timeout 1800 tests/unit/test_properties.py tests/unit/test_properties_engine.py

mutants: $(VENV_MUTANTS)/.ready ## Change the code in many small ways and see that a unit test notices each
	$(VENV_MUTANTS)/bin/python -m tests.mutants

soak: setup ## Carry out 1 000 setups while things go wrong, then 200 at once
	PYTHONPATH=src:. $(BIN)/python -m bench.soak
	PYTHONPATH=src:. $(BIN)/python -m bench.storm

bench: setup ## Measure the engine beside what one would pick instead
	@PYTHONPATH=src:. $(BIN)/python bench/engine.py

demo: $(VENV)/.ready $(VENV_SAM)/.ready $(VENV_CLOUD)/.ready $(VENV_RUNTIME)/.ready ## Deploy to a cloud on this machine and watch an app start and be set up (APP=JupyterLab: in a space; KEEP=1: leave it up)
	@$(BIN)/python -m demo $(if $(APP),--app $(APP)) $(if $(KEEP),--keep)

check-aws: $(VENV)/.ready ## Check a deployment in your AWS account: DOMAIN_ID=… USER_PROFILE_NAME=… [SPACE_NAME=…], see docs
	@$(BIN)/python check_aws.py --domain-id "$(DOMAIN_ID)" --user-profile-name "$(USER_PROFILE_NAME)" \
	  $(if $(SPACE_NAME),--space-name "$(SPACE_NAME)") --stack-name "$(or $(STACK_NAME),studio-setup)"

clean: ## Remove everything that make has made
	rm -rf $(dir $(READY)) $(VENV_MUTANTS) .aws-sam .pytest_cache .mypy_cache .ruff_cache
	find . -type d -name __pycache__ -prune -exec rm -rf {} +

# A changed requirement is installed into what is there; an environment whose Python is gone is made anew.
$(VENV)/.ready: requirements.txt src/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
	    "Name another one: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Installing the tools into $(VENV)"
	@$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install uv==$(UV_VERSION)
	@$(UV) $(BIN)/python -r requirements.txt || $(PIP) install -r requirements.txt
	@touch $@

$(VENV_SAM)/.ready: requirements-sam.txt | $(VENV)/.ready
	$(call environment,the SAM command line,$(VENV_SAM),$<)

$(VENV_CLOUD)/.ready: requirements-cloud.txt | $(VENV)/.ready
	$(call environment,the local cloud,$(VENV_CLOUD),$<)

$(VENV_RUNTIME)/.ready: requirements-runtime.txt | $(VENV)/.ready
	$(call environment,Lambda's Python,$(VENV_RUNTIME),$<)

$(VENV_SCAN)/.ready: requirements-scan.txt | $(VENV)/.ready
	$(call environment,the policy scanner,$(VENV_SCAN),$<)

$(VENV_NOTEBOOK6)/.ready: requirements-notebook6.txt | $(VENV)/.ready
	$(call environment,JupyterLab 1 on notebook 6.5,$(VENV_NOTEBOOK6),$<)

$(VENV_JUPYTERLAB3)/.ready: requirements-jupyterlab3.txt | $(VENV)/.ready
	$(call environment,JupyterLab 3 on jupyter_server 1.x,$(VENV_JUPYTERLAB3),$<)

$(VENV_MUTANTS)/.ready: requirements-mutants.txt src/requirements.txt | $(VENV)/.ready
	$(call environment,the mutation check,$(VENV_MUTANTS),$<)

# $(call environment,what,folder,requirements): an environment beside the one for the tools.
define environment
@echo "Installing $(1) into $(2)"
@$(2)/bin/python -c '' 2>/dev/null || $(BIN)/python -m venv --clear --without-pip $(2)
@$(UV) $(2)/bin/python -r $(3) || $(PIP) --python $(2)/bin/python install -r $(3)
@touch $(2)/.ready
endef
