package rust

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestScan(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         []Use
	}{
		{"modules", "pub mod a; mod b { mod c; }\nmod r#d;", []Use{
			{Kind: Module, Name: "a", Code: true, Line: 1}, {Kind: Module, Name: "c", In: []string{"b"}, Code: true, Line: 1}, {Kind: Module, Name: "d", Code: true, Line: 2}}},
		{"path", "#[path = \"x/y.rs\"]\npub(crate) mod a;", []Use{{Kind: Module, Name: "a", Path: "x/y.rs", Code: true, Line: 2}}},
		{"conditional", "#[cfg(unix)] mod a; #[cfg(test)] mod b { mod c; } #[cfg_attr(unix, path = \"p.rs\")] mod d; #[cfg(not(test))] mod e;", []Use{{Kind: Module, Name: "e", Code: true, Line: 1}}},
		{"conditional expression", "fn f() { #[cfg(feature = \"x\")] let a = include_str!(\"a\"); let b = include_str!(\"b\"); }", []Use{{Kind: Include, Name: "b", Line: 1}}},
		{"whole file", "#![cfg(windows)]\nmod a;", nil},
		{"texts", "const A: &str = \"mod a;\"; // mod b;\n/* mod c; /* */ mod d; */ const B: char = '\"'; fn f<'a>() {} mod e;", []Use{{Kind: Module, Name: "e", Code: true, Line: 2}}},
		{"raw", "const A: &str = r##\"include_str!(\"x\")\"#\"##; include!(\"y.rs\");", []Use{{Kind: Include, Name: "y.rs", Code: true, Line: 1}}},
		{"manifest", "static D: Dir = include_dir!(\"$CARGO_MANIFEST_DIR/assets\"); sqlx::migrate!(); sqlx::migrate!(\"db\");\ninclude_bytes!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/a.bin\"));", []Use{
			{Kind: OfCrate, Name: "assets", Line: 1}, {Kind: OfCrate, Name: "./migrations", Line: 1}, {Kind: OfCrate, Name: "db", Line: 1}, {Kind: OfCrate, Name: "a.bin", Line: 2}}},
		{"made", "include!(concat!(env!(\"OUT_DIR\"), \"/b.rs\")); include_str!(env!(\"X\")); include_str!(\"a\\nb\");", []Use{{Kind: Variable, Name: "OUT_DIR", Line: 1}, {Kind: Variable, Name: "X", Line: 1}}},
		{"derived", "#[derive(RustEmbed)]\n#[folder = \"$CARGO_MANIFEST_DIR/ui/dist\"]\nstruct A;\n#[cfg(unix)] #[folder = \"b\"] struct B;\n#[folder = \"c\"] #[cfg(unix)] struct C;\n#[template(escape = \"none\", path = \"d.html\")] struct D { e: u8 }",
			[]Use{{Kind: OfCrate, Name: "ui/dist", Line: 2}, {Kind: Template, Name: "d.html", Line: 6}}},
		{"migrations", "embed_migrations!(\"db\"); const M: EmbeddedMigrations = embed_migrations!();", []Use{{Kind: OfCrate, Name: "db", Line: 1}, {Kind: Above, Name: "migrations", Line: 1}}},
		{"grammars", "#[derive(Parser)]\n#[grammar = \"a.pest\"]\nstruct P;\n#[graphql(schema_path = \"s.graphql\", query_path = \"q.graphql\")]\nstruct Q;",
			[]Use{{Kind: Grammar, Name: "a.pest", Line: 2}, {Kind: OfCrate, Name: "s.graphql", Line: 4}, {Kind: OfCrate, Name: "q.graphql", Line: 4}}},
		{"unstable", "#![feature(never_type, let_chains)]\n#![cfg_attr(docsrs, feature(doc_cfg))]\n#[feature(x)] fn f() {}", []Use{{Kind: Unstable, Name: "never_type", Line: 1}}},
		{"set", "tonic::include_proto!(\"a\"); let b = env!(\"B\", \"no b\"); option_env!(\"C\"); sqlx::query!(\"select 1\");",
			[]Use{{Kind: Variable, Name: "OUT_DIR", Line: 1}, {Kind: Variable, Name: "B", Line: 1}, {Kind: Query, Name: "query", Line: 1}}},
		{"macros", "macro_rules! m { ($p:expr) => { include_str!(\"x\"); mod a; }; }\nmod b;", []Use{{Kind: Module, Name: "b", Code: true, Line: 2}}},
		{"documentation", "#![doc = include_str!(\"../README.md\")]", []Use{{Kind: Include, Name: "../README.md", Line: 1}}},
		{"a query", "sqlx::query_file_as!(Row, \"q/a.sql\", id);", []Use{{Kind: Query, Name: "query_file_as", Line: 1}, {Kind: OfCrate, Name: "q/a.sql", Line: 1}}},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, Scan([]byte(c.source), false)) })
	}
	assert.Len(t, Scan([]byte("#[cfg(test)] mod a;"), true), 1)
}

func FuzzScan(f *testing.F) {
	for _, seed := range []string{"mod a;", "#[path=\"x\"] mod b { mod c; }", "r#\"", "include_str!(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/x\"))", "/* /* */", "'\\u{1}'", "#![cfg(x)]{{{", "b'x' br#\"\"#"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, u := range Scan(data, false) {
			if u.Name == "" || u.Line < 1 {
				t.Fatalf("%+v of %q", u, data)
			}
		}
	})
}
