PYTHON ?= python3
HOST := 127.0.0.1
PORT ?= 8000
WORKERS ?= 2
THREADS ?= 4
# Options for pytest, for instance PYTEST="-k phones -x".
PYTEST ?= -n 2 --dist worksteal

BIN := .venv/bin
SERVE := $(CURDIR)/$(BIN)/python manage.py serve
VENV := .venv/pyvenv.cfg
RUN := .venv/installed-to-run
DEV := .venv/installed-to-develop
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

# What the commands set for themselves wins over the environment and over .env.
SQLITE := sqlite:///$(CURDIR)/var
AS_DEMO := env DEBUG=1 SECURE_SSL_REDIRECT=0 ALLOWED_HOSTS=localhost,127.0.0.1 \
	DATABASE_URL="$(SQLITE)/demo.sqlite3" LEADSYNC_SPOOL_DIR="$(CURDIR)/var/demo-spool"
AS_DEVELOPMENT := env DEBUG=1 DATABASE_URL="$(SQLITE)/tests.sqlite3"
AS_PRODUCTION := env DEBUG=0 SECURE_SSL_REDIRECT=1 ALLOWED_HOSTS=leads.example.com \
	SECRET_KEY=not-secret-0123456789-abcdefghijklmnopqrstuvwxyz-for-the-checks \
	DATABASE_URL="$(SQLITE)/tests.sqlite3"

# Else pytest-django reads the settings before conftest.py has set their environment.
unexport DJANGO_SETTINGS_MODULE
# Else each process of pytest compiles all tests and Hypothesis again, which takes it 3 s.
unexport PYTHONDONTWRITEBYTECODE

.DELETE_ON_ERROR:
.PHONY: help demo check test on-sqlite on-postgresql lint serve upgrade lock bench scenarios messages fonts screenshots

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUN)  ## Run a site with simulated conversations on 127.0.0.1 (PORT=8000)
	@exec $(AS_DEMO) $(BIN)/python manage.py demo --port $(PORT)

check: lint  ## Lint and the tests without a database, for every save (20 s)
	$(AS_DEVELOPMENT) $(BIN)/python -m pytest $(PYTEST) -q -m "not slow and not database"

# Side by side no core is idle; each tells when it is done.
test: $(DEV)  ## Lint, and the suite on SQLite and on a real PostgreSQL (PYTEST=options)
	@$(MAKE) --jobs 3 --keep-going --output-sync=target lint on-sqlite on-postgresql

on-sqlite: $(DEV)
	$(AS_DEVELOPMENT) $(BIN)/python -m pytest $(PYTEST)

on-postgresql: $(DEV)
	$(BIN)/python -m tests.postgres -- $(BIN)/python -m pytest $(PYTEST) --second-database

lint: $(DEV)  ## Ruff, mypy, missing migrations, Django's deployment checks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(AS_DEVELOPMENT) $(BIN)/mypy
	$(AS_DEVELOPMENT) $(BIN)/python manage.py makemigrations --check
	$(AS_PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

serve: $(RUN)  ## Migrate, then run server and worker (HOST, PORT, WORKERS, THREADS)
	$(BIN)/python manage.py migrate --noinput
	$(BIN)/python manage.py collectstatic --noinput
	exec $(SERVE) --host $(HOST) --port $(PORT) --workers $(WORKERS) --threads $(THREADS)

upgrade: $(RUN)  ## Install and migrate, then let the new version take over from what runs
	$(BIN)/python manage.py migrate --noinput
	$(BIN)/python manage.py collectstatic --noinput
	pkill -HUP -f '^$(SERVE)'

bench: $(DEV)  ## Measure the bot's endpoint and the lists against a floor (BENCH=--keep: as baseline)
	$(BIN)/python -m tests.postgres --durable -- $(BIN)/python -m bench $(BENCH)

scenarios: $(DEV)  ## Large tables, an error storm, crashes, outages, killed workers, drift (35 min)
	$(BIN)/python -m tests.postgres -- $(BIN)/python -m pytest --scenarios
	$(BIN)/python -m tests.postgres --durable -- $(BIN)/python -m bench.pages
	$(BIN)/python -m tests.postgres --durable -- $(BIN)/python -m bench.storm
	$(BIN)/python -m tests.postgres --durable -- $(BIN)/python -m bench.migrating
	$(BIN)/python -m bench.crash
	$(BIN)/python -m bench.outage
	$(BIN)/python -m bench.deliveries
	$(BIN)/python -m bench.beside
	$(BIN)/python -m tests.postgres --durable -- $(BIN)/python -m bench.queue
	DATABASE_URL="$(SQLITE)/bench.sqlite3" $(BIN)/python -m bench.queue
	$(BIN)/python -m tests.postgres --durable -- $(BIN)/python -m bench.drift
	DATABASE_URL="$(SQLITE)/bench.sqlite3" $(BIN)/python -m bench.drift

messages: $(RUN)  ## Collect the texts to translate and compile the translations (needs gettext)
	@command -v msgfmt >/dev/null || { \
		echo "gettext is missing. On Debian and Ubuntu: apt-get install gettext"; exit 1; }
	@for app in contacts leadsync monitoring sarah; do ( cd $$app \
		&& ../$(BIN)/django-admin makemessages --locale id --no-location --no-wrap --no-obsolete \
		&& ../$(BIN)/django-admin compilemessages --locale id ) || exit 1; \
	done

fonts: $(DEV)  ## Cut the fonts to the letters and icons that pages show
	$(BIN)/python -m tests.fonts

screenshots: $(DEV)  ## Take the README's pictures anew, from a demo (needs Chromium)
	$(AS_DEVELOPMENT) $(BIN)/python -m tests.screenshots

lock: $(VENV)  ## Compile requirements*.in with hashes (LOCK=--upgrade takes newer versions)
	@test -x $(BIN)/uv || $(PIP_INSTALL) uv
	@for name in requirements requirements-dev; do \
		$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
			$(LOCK) --output-file $$name.txt $$name.in || exit 1; \
	done

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "LeadSync needs Python 3.11 or newer, and $(PYTHON) is not." \
			"Name another: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments." \
			"On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv

$(RUN): requirements.txt $(VENV)
	$(PIP_INSTALL) --require-hashes -r requirements.txt
	@touch $@

# The developer's requirements contain the others: both stamps are set.
$(DEV): requirements-dev.txt requirements.txt $(VENV)
	$(PIP_INSTALL) --require-hashes -r requirements-dev.txt
	@touch $(RUN) $@
