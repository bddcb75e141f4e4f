package dockerctx_test

import (
	"fmt"
	"log"
	"testing/fstest"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// repository is a project whose ignore file swallows a package, and whose negation does not bring it back.
var repository = fstest.MapFS{
	".dockerignore":                   {Data: []byte("**/monitoring/\n!shop/\n*.md\n")},
	"Dockerfile":                      {Data: []byte("FROM python:3.13\nCOPY shop /app/shop\n")},
	"README.md":                       {},
	"shop/__init__.py":                {},
	"shop/monitoring/__init__.py":     {},
	"shop/services/health.py":         {Data: []byte("ok = True\n")},
	"shop/services/monitoring/job.py": {},
}

func open() *dockerctx.Context {
	fsys := dockerctx.FromFS(repository)
	ignore, err := dockerctx.FindIgnoreFile(fsys, fsys, "Dockerfile")
	if err != nil {
		log.Fatal(err)
	}
	ctx, err := dockerctx.New(fsys, ignore)
	if err != nil {
		log.Fatal(err)
	}
	return ctx
}

// The files that reach the builder.
func ExampleNew() {
	err := open().Tree().Walk(func(e dockerctx.Entry) error {
		if !e.Mode.IsDir() {
			fmt.Println(e.Path, e.Size)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// .dockerignore 27
	// Dockerfile 37
	// shop/__init__.py 0
	// shop/services/health.py 10
}

// Why a file does not reach the builder, line by line.
func ExampleContext_Explain() {
	t, err := open().Explain("shop/monitoring/__init__.py")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.Included, "by line", t.Decisive.Number)
	for _, s := range t.Steps {
		fmt.Printf("%s: %s on %s, %s\n", s.Line.Text, s.Effect, s.Path, s.Reason)
	}
	// Output:
	// false by line 1
	// !shop/: no effect on shop, not excluded yet
	// **/monitoring/: excludes on shop/monitoring, matches
}

// What a build sends that copies one directory.
func ExampleContext_Transfer() {
	tree, err := open().Transfer([]string{"shop/services"})
	if err != nil {
		log.Fatal(err)
	}
	err = tree.Walk(func(e dockerctx.Entry) error {
		fmt.Println(e.Path)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// shop
	// shop/services
	// shop/services/health.py
}

// The entries that stay out, each with the line that keeps it out.
func ExampleContext_WalkIgnored() {
	err := open().WalkIgnored(false, func(e dockerctx.IgnoredEntry) error {
		fmt.Printf("%s (line %d)\n", e.Path, e.Line.Number)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// README.md (line 3)
	// shop/monitoring (line 1)
	// shop/services/monitoring (line 1)
}
