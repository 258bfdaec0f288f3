# Plumbline: two commands do everything, `make e2e` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.locked

export IMAGES   ?= auto

# What a target cannot do without: a variable's name, and the command as it should have been.
need = $(if $($(1)),,$(error expected: $(1)=...; seen: none; look: make $(2)))

.DEFAULT_GOAL := help
.PHONY: help e2e test bench mutation up adopt suites mutants soak watch upgrade peers load matrix report compare accept status logs down mirror doctor guest kills adopted lint fmt lock clean

help: ## this list
	@awk 'BEGIN {FS = ":.*## "; print "usage: make TARGET [VERSIONS=train] [IMAGES=auto|pull|forge] [MIRROR=host:port] [MANIFESTS=dir] [NODES=n]\n"} \
	  /^[a-z0-9-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

e2e: $(STAMP) ## the main job: clusters up, suites, report, clusters down (KEEP=1 leaves them up)
	@$(PY) -m suites e2e $(if $(PROFILE),--profile $(PROFILE))

test: $(STAMP) lint ## the harness's own tests, lint and types
	@$(PY) -m tests.tools
	@$(PY) -m clusters images envoy echo registry --tool crane
	@$(PY) -m clusters run -- $(PY) -m pytest tests -n 2

bench: $(STAMP) ## error rates and mean number of requests of the split decision, beside fixed-N rules
	@$(PY) -m clusters images envoy echo
	@$(PY) -m clusters run -- $(PY) -m tests.bench --write docs/bench.md

mutation: $(STAMP) ## faults made in the checks' own code: their tests must notice (JOBS=1: one at a time)
	@$(if $(ONLY),,rm -rf mutants)
	@$(VENV)/bin/mutmut run $(if $(JOBS),--max-children $(JOBS)) $(ONLY)
	@$(VENV)/bin/mutmut results | sed "/: not checked$$/d; /: no tests$$/d"

up: $(STAMP) ## bring the clusters up and leave them up (NODES=3, NODES=aws-cluster=3: of more nodes)
	@$(PY) -m clusters up

adopt: $(STAMP) ## existing clusters in place of new ones, LAB=site.toml (CONSENT=1, RIGHTS=1: what to apply there before)
	@$(PY) -m clusters adopt $(if $(filter 1,$(CONSENT)),--consent) $(if $(filter 1,$(RIGHTS)),--rights) $(if $(LAB),"$(LAB)")

suites: $(STAMP) ## run the suites against the clusters that are up (MANIFESTS=dir: your own files; DRY=1: tell what would be written)
	@$(PY) -m suites run $(if $(filter 1,$(DRY)),--dry) $(if $(PROFILE),--profile $(PROFILE))

mutants: $(STAMP) ## faults made on purpose: the suites must notice each (a sample; ONLY=name,name; ALL=1; SEED=n; SAMPLE=n; PEERS=1: what others notice)
	@$(PY) -m suites mutants $(if $(filter 1,$(PEERS)),--peers) $(if $(ONLY),--only "$(ONLY)") $(if $(ALL),--all) $(if $(SEED),--seed $(SEED)) $(if $(SAMPLE),--sample $(SAMPLE))

soak: $(STAMP) ## the suites N times over in random order: no false red (BURN=n: n cores kept busy)
	@$(PY) -m suites soak --times $(or $(N),20) $(if $(PROFILE),--profile $(PROFILE)) $(if $(BURN),--burn $(BURN))

watch: $(STAMP) ## watch the clusters that are up, 10 ms by 10 ms (QUIET=seconds WINDOW=ms FAULTS=all|name: faults made on purpose)
	@$(PY) -m suites watch --quiet $(or $(QUIET),60) --faults $(or $(FAULTS),none) $(if $(filter 1,$(PRACTICES)),--practices) $(if $(WINDOW),--window $(WINDOW))

upgrade: $(STAMP) ## FROM=2026-04 TO=2026-08 under the watch (ONLY=istio|cilium|gateway-api|kubernetes-crds; PRACTICES=1 WINDOW=50: more streams, asked more seldom)
	$(call need,FROM,upgrade FROM=2026-04 TO=2026-08)
	$(call need,TO,upgrade FROM=2026-04 TO=2026-08)
	@$(PY) -m suites upgrade --from $(FROM) --to $(TO) --only "$(ONLY)" $(if $(filter 1,$(PRACTICES)),--practices) $(if $(WINDOW),--window $(WINDOW))

peers: $(STAMP) ## the vendors' own suites against the clusters that are up, in a report (ONLY=conformance|cilium|istioctl)
	@$(PY) -m suites peers $(if $(ONLY),--only $(ONLY))

load: $(STAMP) ## load the clusters that are up by Locust, distributed (LOAD=users,workers,seconds[,rate] or small|medium|large|open; COMPARE=1: by 1, 2 and 4 workers)
	@$(PY) -m suites load $(if $(LOAD),--size "$(LOAD)") $(if $(filter 1,$(COMPARE)),--compare)

matrix: $(STAMP) ## every cell of the nightly matrix here, one after another; resumes where it was interrupted
	@$(PY) -m suites matrix $(if $(ONLY),--only "$(ONLY)") $(if $(filter 1,$(FRESH)),--fresh) $(if $(BASE),--base "$(BASE)")

report: $(STAMP) ## show the latest run's results
	@$(PY) -m reports show

compare: $(STAMP) ## two runs side by side, BASE=dir|train NEW=dir: red on a regression (no BASE: the baseline)
	@$(PY) -m reports compare $(if $(BASE),"$(BASE)") "$(or $(NEW),reports/out/latest)"

accept: export REASON = $(value WHY)
accept: $(STAMP) ## commit a run as the baseline of its train, RUN=dir WHY='…': who and why stand in the commit
	@$(PY) -m reports accept "$(or $(RUN),reports/out/latest)" --reason "$$REASON"

status: $(STAMP) ## what is up
	@$(PY) -m clusters status

logs: $(STAMP) ## every log of the clusters, into reports/out/logs
	@$(PY) -m clusters logs

down: $(STAMP) ## take the clusters away and stop a private engine (ENGINE=1: its images too; IMAGES=1: ours out of your Docker)
	@$(PY) -m clusters down $(if $(filter 1,$(ENGINE)),--engine) $(if $(filter 1,$(IMAGES)),--images)

mirror: $(STAMP) ## fill a registry of your own, MIRROR=host:port, with every image (VERSIONS=2026-04,2026-08; INSECURE=1: no TLS)
	$(call need,MIRROR,mirror MIRROR=registry.example:5000)
	@$(PY) -m clusters mirror $(if $(filter 1,$(INSECURE)),--insecure) $(MIRROR)

doctor: $(STAMP) ## what this machine has, what it lacks, and what mends it
	@$(PY) -m clusters doctor

guest: export LINE = $(value CMD)
guest: $(STAMP) ## a machine with Docker, published names and no Go: make e2e in it as a user (CMD='make test', ON=kvm|container|emulated)
	@$(PY) -m tests.guest --machine $(or $(ON),auto) "$${LINE:-make e2e}"

kills: $(STAMP) ## runs killed at drawn moments, on the lab: make down leaves nothing of them (N=20, OF=e2e|upgrade|watch, SEED=n)
	@$(PY) -m tests.kills --times $(or $(N),20) --of $(or $(OF),e2e) --seed $(or $(SEED),1) --e2e --write docs/kills.md

adopted: $(STAMP) ## a lab adopted as if it were somebody else's: all of it is the same after a run, and after a killed one (NODES=aws-cluster=3)
	@$(PY) -m tests.adopted $(if $(NODES),--nodes "$(NODES)")

lint: $(STAMP) ## lint, format and types
	@$(PY) -m ruff check --quiet
	@$(PY) -m ruff format --check --quiet
	@$(PY) -m mypy --no-error-summary

fmt: $(STAMP) ## put the code into its format
	@$(PY) -m ruff check --fix --quiet
	@$(PY) -m ruff format

lock: $(STAMP) ## write requirements.lock anew from pyproject.toml
	@$(PY) -m pip install --quiet uv
	@$(PY) -m uv pip compile pyproject.toml --universal --python-version 3.11 --extra dev --quiet --upgrade \
	  --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" -o requirements.lock

clean: $(if $(LAB),$(STAMP)) ## delete the virtual environment, the reports and the mutants (LAB=1: out of existing clusters what was made there, instead)
	$(if $(LAB),@$(PY) -m clusters release,rm -rf $(VENV) reports/out mutants)

# Debian keeps ensurepip in a package of its own, which root can install.
$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "expected: Python 3.11 or later; seen: $$($(PYTHON) --version); look: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv; } || \
	  { echo "expected: Python's venv module; look: apt-get install python3-venv" >&2; exit 1; }
	@echo "virtual environment: $(VENV)" >&2
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@touch $@
