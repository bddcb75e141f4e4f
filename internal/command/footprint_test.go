package command

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/internal/shell"
)

// one file of a tree in which nothing else is.
type tree map[string]string

func (t tree) Stat(p string) shell.FileKind {
	if _, ok := t[p]; ok {
		return shell.Regular
	}
	return shell.Absent
}

func (t tree) Read(p string) ([]byte, error) { return []byte(t[p]), nil }

// Where a program may write, without the directories that package managers fill: PACKAGES stands for them, TEMP and HOME likewise.
func TestFootprints(t *testing.T) {
	files := tree{"/w/package.json": `{"scripts": {"start": "node x"}}`, "/p/package.json": `{"scripts": {"postinstall": "node x"}}`,
		"/s/prisma/schema.prisma": "generator a {\n  provider = \"prisma-client\"\n  output = \"../src/made\"\n}\ngenerator b { provider = \"prisma-client-js\" }",
		"/g/angular.json":         `{"projects": {"a": {"architect": {"build": {"options": {"outputPath": "out"}, "configurations": {"production": {"outputPath": {"base": "../prod"}}}}}}}}`,
		"/z/schema.prisma":        "generator a { provider = \"prisma-zod\" }"}
	for text, want := range map[string]string{
		"cat a b":                              "",
		"rm -rf x":                             "",
		"touch a /b/c":                         "/w/a /b/c",
		"cp -r a b /d":                         "/w/a /w/b /d",
		"cp a $(x)/b":                          "/w/a /",
		"cp a /opt/$(x)/b":                     "/w/a /opt",
		"sed s/a/b/ f":                         "",
		"sed -i s/a/b/ f":                      "/w/s/a/b /w/f",
		"apt-get install -y x":                 "PACKAGES",
		"pip install -r requirements.txt":      "PACKAGES",
		"pip3.12 install .":                    "PACKAGES /w",
		"pip install -e ./sub[dev]":            "PACKAGES /w/sub",
		"pip install -t /lib/python x":         "PACKAGES /lib/python",
		"python3 -m pip install x":             "PACKAGES",
		"python -m venv /opt/venv":             "TEMP HOME /opt/venv",
		"python -m compileall .":               "",
		"python gen.py --out=/gen/x":           "/w /gen/x /w/gen.py PACKAGES UNKNOWN",
		"uv sync --locked":                     "PACKAGES /w/.venv /w/uv.lock /w/*.egg-info /w/**/*.egg-info",
		"npm ci":                               "PACKAGES /w/NODE",
		"cd /p && npm ci":                      "PACKAGES /p /p/NODE",
		"cd /p && npm ci --ignore-scripts":     "PACKAGES /p/NODE",
		"npm run build":                        "/w /w/run /w/build PACKAGES UNKNOWN",
		"cd /web/app && npx unheardof build":   "/web /web/app/build PACKAGES UNKNOWN",
		"npx vite build":                       "TEMP HOME /w/dist /w/node_modules/.vite* /w/node_modules/.cache /w/*.timestamp-* /w/*.tsbuildinfo",
		"tsc --outDir /out -p .":               "/out /w/*.tsbuildinfo",
		"tsc":                                  "/w/*.tsbuildinfo",
		"next build":                           "TEMP HOME /w/.next/[^s]* /w/.next/se* /w/.next/static /w/out /w/next-env.d.ts /w/tsconfig.json /w/*.tsbuildinfo /w/node_modules/.cache",
		"cd /s && npx prisma generate":         "TEMP HOME /s/**/node_modules /s/src/made",
		"cd /z && prisma generate":             "TEMP HOME PACKAGES UNKNOWN /z /z/**/node_modules /z/generate",
		"cd /z && ng build":                    "TEMP HOME PACKAGES UNKNOWN /z /z/dist /z/.angular /z/node_modules/.cache /z/build",
		"cd /g && ng build":                    "TEMP HOME /g/dist /g/.angular /g/node_modules/.cache /g/out /prod",
		"dotenv -e .env -- cross-env A=1 tsc":  "/w/*.tsbuildinfo",
		"pnpm dlx @vercel/ncc build a -o /n":   "TEMP HOME /w/dist /n",
		"cross-env CI=1 nest build":            "/w /w/dist /w/*.tsbuildinfo",
		"nest build":                           "/w /w/dist /w/*.tsbuildinfo",
		"go build -o /out/app ./cmd/app":       "TEMP HOME", // an effect tells the rest
		"go build -trimpath -o /out/a . || :":  "TEMP HOME /out/a",
		"go build ./cmd/app":                   "TEMP HOME /w /w/app",
		"go mod download":                      "TEMP HOME /w/go.sum",
		"go mod tidy":                          "TEMP HOME /w/go.mod /w/go.sum",
		"git clone https://x/y/shop.git":       "HOME /w/shop",
		"git clone --depth 1 u .":              "HOME /w",
		"git clone u /src":                     "HOME /src",
		"git rev-parse HEAD":                   "",
		"curl -fsSL https://x | tar xz":        "/w",
		"curl -fsSLo /bin/x https://x":         "/bin/x",
		"curl -sSL https://x -o f":             "/w/f",
		"curl -O https://x/y":                  "/w",
		"wget https://x/y":                     "/w",
		"wget -qO- https://x":                  "",
		"wget -O /x/y u":                       "/x/y",
		"tar -xzf a.tgz -C /opt":               "/opt",
		"tar --directory=/opt -xf a":           "/opt",
		"tar xf a":                             "/w",
		"tar czf /a.tgz b":                     "/a.tgz /w/czf /w/b",
		"unzip -d /x a.zip":                    "/x",
		"find . -name x -delete":               "",
		"find . -name x -exec rm {} +":         "",
		"find . -name x -exec ./fix.sh {} ;":   "/w /w/x /w/fix.sh /w/{} PACKAGES UNKNOWN",
		"GOPATH=/gp go mod tidy":               "TEMP HOME /w/go.mod /w/go.sum /gp/pkg /gp/bin",
		"GOPATH=/gp go get x":                  "TEMP HOME /w/go.mod /w/go.sum /w/go.work /w/go.work.sum /gp /gp/pkg /gp/bin",
		"dotnet restore -c Release a/a.csproj": "TEMP HOME /w/**/bin /w/**/obj /w/**/packages.lock.json",
		"dotnet build ../b/b.csproj":           "TEMP HOME /w/**/bin /w/**/obj /w/**/packages.lock.json /b",
		"cd $(x) && touch a":                   "/",
		"mkdir '/a[b]/c'":                      "/",
	} {
		t.Run(text, func(t *testing.T) {
			var got Footprint
			r := NewRunner(files)
			r.Program = func(c *Call) { got.Join(c.Footprint()) }
			r.Walk(shell.NewState("/w", nil), text)
			all := strings.Join(got.Paths, " ")
			names := strings.ReplaceAll(temporary, " ", " /tmp/")
			for _, short := range [][2]string{
				{"/tmp/" + names + " /var" + strings.ReplaceAll("/tmp/"+names, " ", " /var"), "TEMP"},
				{"/w/" + strings.ReplaceAll(nodeBelow, " ", " /w/"), "/w/NODE"}, {"/p/" + strings.ReplaceAll(nodeBelow, " ", " /p/"), "/p/NODE"},
				{"/home/*/.* /home/*/go /home/*/nltk_data /root/.* /root/go /root/nltk_data", "HOME"}, {"/tmp /var/tmp", "TEMP"}, {"TEMP HOME " + strings.Join(systemDirs, " "), "PACKAGES"},
				{"TEMP /home /root " + strings.Join(systemDirs, " ") + " /opt", "PACKAGES"}, // of what is not known
			} {
				all = strings.ReplaceAll(all, short[0], short[1])
			}
			if got.Unknown {
				all += " UNKNOWN"
			}
			assert.ElementsMatch(t, strings.Fields(want), strings.Fields(all))
		})
	}
}
