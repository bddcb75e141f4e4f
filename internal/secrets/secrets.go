// Package secrets knows the names of files that hold secrets by convention.
package secrets

import (
	"path"
	"slices"
	"strings"
)

// secretNames are names of files that hold secrets by convention.
var secretNames = []string{
	".env", ".env.*", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".npmrc",
	".netrc", ".pypirc", ".pgpass", ".htpasswd", "credentials", "credentials.json", "secrets.y*ml", "secrets.json", "service-account*.json",
	"*.tfstate", "*.kdbx",
}

// harmlessSecrets are names that look like those of secrets and are made to be shown.
var harmlessSecrets = []string{".env.example", ".env.sample", ".env.template", ".env.dist", ".env.test", "*.pub.pem", "*.pub.key"}

// LooksLike reports whether a file has a name by which secrets are kept.
func LooksLike(p string) bool {
	base := strings.ToLower(path.Base(p))
	matches := func(patterns []string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool { ok, _ := path.Match(pattern, base); return ok })
	}
	return matches(secretNames) && !matches(harmlessSecrets)
}
