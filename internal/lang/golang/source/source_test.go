package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFind(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"fatal", `d, err := os.ReadFile("a.yml"); if err != nil { log.Fatal(err) }; _ = d`, "a.yml!"},
		{"panics", `if _, err := os.Open("a"); err != nil { panic(err) }`, "a!"},
		{"exits", `if _, err := os.Open("a"); err != nil { fmt.Println(err); os.Exit(1) }`, "a!"},
		{"exits well", `if _, err := os.Open("a"); err != nil { fmt.Println(err); os.Exit(0) }`, "a"},
		{"zerolog", `_, err := os.Open("a"); if err != nil { log.Fatal().Err(err).Msg("x") }`, "a!"},
		{"told", `_, err := os.Open("a"); if err != nil { log.Println(err) }`, "a"},
		{"does without", `_, err := os.Open("a"); if err != nil { log.Println("none") }`, ""},
		{"not asked", `d, _ := os.ReadFile("a"); _ = d`, ""},
		{"asks before", `if _, err := os.Stat("a"); err == nil { os.ReadFile("a") }`, ""},
		{"where a variable asks", `if os.Getenv("DEV") == "1" { os.Open("a") }; if os.Getenv("F") == "" { os.Open("b") }`, "b"},
		{"in a branch", `if len(os.Args) > 1 { _, err := os.Open("a"); if err != nil { panic(err) } }`, "a"},
		{"behind what may end it", `if len(os.Args) > 1 { return }; _, err := os.Open("a"); if err != nil { panic(err) }`, "a"},
		{"in a loop", `for { _, err := os.Open("a"); if err != nil { panic(err) } }`, "a"},
		{"in a handler", `http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, "web/x.html") })`, "web/x.html"},
		{"of a function", `load("a/b.yml")`, "a/b.yml!"},
		{"of a function that fails", `if err := try("a"); err != nil { log.Fatal(err) }`, "a!"},
		{"of a function whose failure is told", `if err := try("a"); err != nil { log.Print(err) }`, ""},
		{"of a function with a named result", `_, err := named("."); if err != nil { log.Fatal(err) }`, "app.json,app.toml,app.yaml,app.yml,app.properties,app.props,app.prop,app.hcl,app.tfvars,app.dotenv,app.env,app.ini,app!"},
		{"constants", `os.DirFS(root + "/x"); os.ReadDir(filepath.Join("d", "e")); os.Open(cfg.Path)`, "data/x/ d/e/ conf/c.toml"},
		{"variables", `p := "a"; os.ReadFile(p); q := "b"; q = "c"; os.ReadFile(q)`, "a"},
		{"a flag", `f := flag.String("f", "x.yml", ""); flag.Parse(); _, err := os.Open(*f); if err != nil { panic(err) }`, "x.yml!"},
		{"must", `t := template.Must(template.New("x").ParseFiles("a.html", "b.html")); _ = t`, "a.html! b.html!"},
		{"glob", `r := gin.New(); r.LoadHTMLGlob("templates/*"); r.Static("/s", "./static")`, "templates/*! static/"},
		{"migrations", `m, err := migrate.New("file://db", ""); if err != nil { log.Fatal(err) }; _ = m`, "db/!"},
		{"elsewhere", `migrate.New("github://x/y", ""); fmt.Println("a.yml")`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			main := `package main
import ("os"; "log"; "fmt"; "flag"; "net/http"; "html/template"; "path/filepath"; "m/cfg"; "github.com/gin-gonic/gin"; "github.com/golang-migrate/migrate/v4"; "github.com/spf13/viper")
const root = "data"
func load(name string) { _, err := os.ReadFile(name); if err != nil { panic(err) } }
func try(name string) error { _, err := os.ReadFile(name); if err != nil { return fmt.Errorf("x: %w", err) }; return nil }
func named(dir string) (x int, err error) { viper.AddConfigPath(dir); viper.SetConfigName("app"); viper.SetConfigType("env"); err = viper.ReadInConfig(); if err != nil { return }; return }
func never() { os.Open("never") }
func main() { ` + c.body + ` }
`
			found := Find([]Package{
				{Files: []File{{Name: "main.go", Data: []byte(main)}}},
				{Path: "m/cfg", Files: []File{{Name: "cfg.go", Data: []byte("package cfg\nconst Path = \"conf/c.toml\"")}}},
			}, true)
			var got []string
			for _, r := range found.Reads {
				text := strings.Join(r.Paths, ",")
				if r.Dir {
					text += "/"
				}
				if r.Fatal {
					text += "!"
				}
				got = append(got, text)
				assert.Equal(t, "main.go", r.File)
				assert.Positive(t, r.Line)
			}
			assert.Equal(t, strings.Fields(c.want), append([]string{}, got...), fmt.Sprint(got))
		})
	}
}

func TestChangesDir(t *testing.T) {
	found := Find([]Package{{Files: []File{{Name: "m.go", Data: []byte("package main\nimport \"os\"\nfunc main() { os.Chdir(\"/x\") }")}}}}, false)
	assert.True(t, found.ChangesDir)
}

func FuzzFind(f *testing.F) {
	f.Add([]byte("package main\nimport \"os\"\nfunc main() { _, err := os.Open(\"a\"); if err != nil { panic(err) } }"))
	f.Add([]byte("package main\nfunc main() { main() }\nvar x = y\nvar y = x"))
	f.Add([]byte("package main\nimport \"os\"\nconst a = b\nconst b = a\nfunc main() { os.Open(a); os.Exit() }"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, r := range Find([]Package{{Files: []File{{Name: "m.go", Data: data}}}}, true).Reads {
			assert.NotEmpty(t, r.Paths)
			assert.Positive(t, r.Line)
		}
	})
}
