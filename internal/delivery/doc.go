// Package delivery has no code: its tests run what people install ctxaudit with, and what calls it for them: the install
// script, the GitHub Action, the pre-commit hook, the include for make, and the snippets of the documentation.
package delivery
