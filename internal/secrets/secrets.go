// Package secrets knows the names of files that hold secrets by convention, and what such a file has if it holds none.
package secrets

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/ctxaudit/ctxaudit/internal/lazyre"
)

// The names of files that hold secrets by convention, in lower case: whole ones, and what they end in after the last dot.
var (
	names = []string{
		".env", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".npmrc", ".netrc", ".pypirc", ".pgpass", ".htpasswd", "credentials",
		"credentials.json", ".git-credentials", "kubeconfig", "secrets.yml", "secrets.yaml", "secrets.json",
	}
	extensions = []string{".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".tfstate", ".kdbx"}
	// samples are what names have in them of files that are made to be shown.
	samples = []string{"example", "sample", "template", "dist", "test", "testing", "ci", "e2e", "tests", "schema", "defaults"}
)

// LooksLike reports whether a file has a name by which secrets are kept. It is asked of every file of a context.
func LooksLike(p string) bool {
	base := path.Base(p)
	if strings.IndexByte(base, '.') < 0 && len(base) > len("credentials") {
		return false // nearly every name ends here, or has an extension that is not among them
	}
	base = strings.ToLower(base)
	ext := path.Ext(base)
	switch {
	case strings.HasPrefix(base, ".env."):
		return !slices.ContainsFunc(strings.Split(base[len(".env."):], "."), func(part string) bool { return slices.Contains(samples, part) })
	case slices.Contains(extensions, ext):
		return !strings.HasSuffix(base, ".pub"+ext) && base != "debug.keystore" // every Android SDK has the same one
	case ext == ".json" && (strings.HasPrefix(base, "service-account") || strings.HasPrefix(base, "client_secret")):
		return true
	}
	return slices.Contains(names, base)
}

// IsSettings reports whether a file is one of settings, such as .env, .env.local and secrets.yml, of which [Sets] tells more.
func IsSettings(p string) bool {
	base := strings.ToLower(path.Base(p))
	return strings.HasPrefix(base, ".env") || strings.HasPrefix(base, "secrets.y")
}

// MaxRead is how much of a file tells whether it holds a secret, in bytes.
const MaxRead = 64 << 10

var (
	private = lazyre.New(`PRIVATE KEY`)
	// template is a manifest that a tool fills in, or one whose values are encrypted or kept elsewhere.
	template = lazyre.New(`\{\{.*\}\}|(?m)^kind: *(SealedSecret|ExternalSecret)`)
	comment  = lazyre.New(`(?m)^[ \t]*#.*$`)
	public   = lazyre.New(`BEGIN (TRUSTED |X509 )?(CERTIFICATE|PUBLIC KEY|X509 CRL|DH PARAMETERS|EC PARAMETERS|PGP PUBLIC KEY BLOCK)`)
	// login is what an .npmrc has to log in with; a reference to a variable is none.
	login = lazyre.New(`(?im)^[^#;\n]*_(auth|authtoken|password)\s*=\s*[^\s$]`)
	// setting is one of a file of settings, with its name, its value, or the address with a password that it is.
	setting = lazyre.New(`(?im)^[ \t]*(?:export[ \t]+)?(?:([a-z0-9_.-]*(?:secret|passw|pwd|token|credential|private|api_?key|access_?key|auth)[a-z0-9_.-]*)[ \t]*[=:][ \t]*["']?([^\s"'#]*)|[^#\n]*://[^\s:/@]*:[^\s/@$<{]+@)`)
	// open is a value that is no secret: none, a switch, a number, or what is filled in later.
	open = lazyre.New(`(?i)^(true|false|yes|no|on|off|null|none|[0-9.]*|[$<{%].*|enc\[.*|\||>|!?change-?_?(me|this).*)$`)
)

// Public reports whether a file with the name of a secret is plainly none, by how it begins: a certificate, a configuration of npm
// without a login, a template.
func Public(p string, head []byte) bool {
	switch base := strings.ToLower(path.Base(p)); {
	case base == ".npmrc":
		return !login().Match(head)
	case strings.HasPrefix(base, "secrets.y") && template().Match(head) && !Sets(head):
		return true
	case path.Ext(base) == ".pem", path.Ext(base) == ".key":
		return public().Match(head) && !private().Match(head)
	}
	return len(bytes.TrimSpace(comment().ReplaceAll(head, nil))) == 0
}

// production is the section of a secrets.yml that a server reads; those beside it are for development and tests.
var production = lazyre.New(`(?m)^production:.*(?:\n(?:[ \t#].*)?)*`)

// Sets reports whether a file of settings has one that its name and its value, or an address with a password, tell to be a secret.
func Sets(head []byte) bool {
	if section := production().Find(head); section != nil {
		head = section
	}
	return slices.ContainsFunc(setting().FindAllSubmatch(head, -1), func(m [][]byte) bool {
		return len(m[1]) == 0 || !open().Match(m[2])
	})
}
