# Two commands to know: `make demo` and `make test`. Both work on a machine with nothing but Python 3.11 or newer.

PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check bench messages format clean

# Made anew when the requirements change; `touch` comes last, so an interrupted install is done again.
.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Collimator needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	@echo "Installing into .venv (once; the models' library is large) …"
	@$(PYTHON) -m venv .venv
	@pip install --quiet --requirement requirements.txt
	@touch $@

demo: export DJANGO_DEBUG := 1
demo: .venv/installed
	@python manage.py migrate --verbosity 0
	@python manage.py load_demo
	@honcho start

test: .venv/installed
	pytest -n auto --dist worksteal

check: .venv/installed
	ruff check .
	ruff format --check .
	lint-imports --config setup.cfg
	mypy
	python .ci/server_requirements.py
	python .ci/literals.py
	python .ci/named_tests.py
	python .ci/messages.py --check
	python manage.py makemigrations --check --dry-run
	DJANGO_DEBUG=0 DJANGO_BEHIND_PROXY=1 SITE_URL=https://clinic.example HSTS_DAYS=365 HSTS_SUBDOMAINS=1 \
	EMAIL_URL=smtp://localhost:25 FIELD_KEYS=a-key-of-32-characters-for-checks \
	python manage.py check --deploy --fail-level WARNING
	python .ci/audit.py

bench: .venv/installed
	@failed=""; for bench in benchmarks/bench_*.py; do python "$$bench" || failed="$$failed $$bench"; done; \
	if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

messages: .venv/installed
	python .ci/messages.py

format: .venv/installed
	ruff check --fix .
	ruff format .

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache .mypy_cache
