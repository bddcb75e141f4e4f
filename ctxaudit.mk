# A make target that checks what the images will hold. In a Makefile:
#
#   include ctxaudit.mk
#   image: audit-context
#   	docker build .
#
# CTXAUDIT          the program (default ctxaudit; docker ctxaudit, or
#                   go run github.com/ctxaudit/ctxaudit/cmd/ctxaudit@latest, do as well)
# CTXAUDIT_CONTEXT  build context, or where Dockerfiles are looked for (default .)
# CTXAUDIT_FLAGS    flags of ctxaudit check, such as --fail-on warning (default none)
#
# All of them can be set in the Makefile, before or after the include, in the environment, or on make's command line.
CTXAUDIT ?= ctxaudit
CTXAUDIT_CONTEXT ?= .
CTXAUDIT_FLAGS ?=

# What make does without a target stays the includer's matter.
ctxaudit.goal := $(.DEFAULT_GOAL)

.PHONY: audit-context
audit-context: ## check what the images will hold
	$(CTXAUDIT) check $(CTXAUDIT_FLAGS) -- $(CTXAUDIT_CONTEXT)

.DEFAULT_GOAL := $(ctxaudit.goal)
