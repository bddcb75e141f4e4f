package secrets

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestLooksLike(t *testing.T) {
	for _, name := range []string{".env", "a/.env.local", ".ENV", "id_rsa", "x/id_ed25519", "server.key", "Cert.PEM", ".npmrc", "credentials", "service-account-prod.json", "secrets.yaml", "prod.tfstate"} {
		assert.True(t, LooksLike(name), name)
	}
	for _, name := range []string{".env.example", ".env.sample.local", ".env.test", "main.go", "server.pub.key", "credentialsprovider", "environment", "secrets.go", "service-account.yaml", "a.env/x"} {
		assert.False(t, LooksLike(name), name)
	}
}

func TestPublic(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       bool
	}{
		{"ca.pem", "-----BEGIN CERTIFICATE-----\nMII", true},
		{"both.pem", "-----BEGIN CERTIFICATE-----\n-----BEGIN RSA PRIVATE KEY-----\n", false},
		{"x.key", "s", false},
		{"repository.gpg.key", "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmQ", true},
		{"signing.key", "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ", false},
		{".npmrc", "registry=https://registry.npmjs.org\n# _authToken=abc\n", true},
		{".npmrc", "//npm.pkg.github.com/:_authToken=${NPM_TOKEN}\n", true},
		{".npmrc", "//npm.pkg.github.com/:_authToken=ghp_1\n", false},
		{".env", " \n", true},
		{"secrets.yaml", "apiVersion: v1\ndata:\n  key: {{ .Values.key | b64enc }}\n", true},
		{"secrets.yaml", "db:\n  password: hunter2\n  user: {{ .Values.user }}\n", false},
		{"secrets.yaml", "password: hunter2\n", false},
		{"secrets.yaml", "\n", true},
		{".env", "PORT=1\n", false},
	} {
		assert.Equal(t, tt.want, Public(tt.name, []byte(tt.text)), "%s %q", tt.name, tt.text)
	}
}

func TestSets(t *testing.T) {
	for text, want := range map[string]bool{
		"PORT=80\nDEBUG=1\n":                                    false,
		"TOKEN=\nSECRET_KEY=\"\"\nPASSWORD=$PASS\n":             false,
		"# TOKEN=abc\n":                                         false,
		"VITE_PWD_SIGNUP_ENABLED=true\nAUTH_PORT=80\n":          false,
		"production:\n  secret_key_base: <%= ENV[\"KEY\"] %>\n": false,
		"test:\n  secret_key_base: 0a1b2c\n":                    true,
		"test:\n  secret_key_base: 0a1b2c\n\nproduction:\n  secret_key_base: <%= ENV[\"KEY\"] %>\n": false,
		"production:\n  secret_key_base: 0a1b2c\n":                                                  true,
		"DB_PASSWORD=changeme1234\nAPP_SECRET=!ChangeMe!\n":                                         false,
		"db_password: ENC[AES256_GCM,data:x]\n":                                                     false,
		"export API_KEY='abc'\n":                                                                    true,
		"DB_PASSWORD=hunter2\n":                                                                     true,
		"DATABASE_URL=postgres://u:pw@db/x\n":                                                       true,
		"DATABASE_URL=postgres://u:${PW}@db/x\n":                                                    false,
		"URL=https://example.com:8080/a\nKEYBOARD=de":                                               false,
	} {
		assert.Equal(t, want, Sets([]byte(text)), text)
	}
}
