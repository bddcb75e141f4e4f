package syntax

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// shown are the imports of a source in one line each: line, name, kind, flags.
func shown(f *File) (out []string) {
	kinds := map[Kind]string{Static: "static", Effect: "effect", Require: "require", Dynamic: "dynamic", Type: "type"}
	for _, i := range f.Imports {
		line := fmt.Sprintf("%d %s %s", f.Position(i.Start).Line, i.Spec, kinds[i.Kind])
		for n, name := range []string{"lazy", "conditional", "guarded", "unsure", "ignored"} {
			if i.Flags&(1<<n) != 0 {
				line += " " + name
			}
		}
		out = append(out, line)
	}
	return out
}

func TestScan(t *testing.T) {
	for _, c := range []struct {
		name, file, source string
		want               []string
	}{
		{"kinds", "a.ts", "import 'e'\nimport a from './a'\na()\nexport * from 'b'\nexport * as n from 'c'\nexport {x} from \"d\"\nimport type {T} from 'f'\nexport type {U} from 'g'\nimport {type V} from 'h'\nlet z: import('i').Z",
			[]string{"1 e effect", "2 ./a static", "4 b static", "5 c static", "6 d static", "7 f type", "8 g type", "9 h type", "10 i dynamic lazy unsure"}},
		{"over lines", "a.js", "import {\n  a,\n  b as c,\n} from './x'", []string{"1 ./x static"}},
		{"require", "a.js", "const a = require('./a')\nmodule.exports = { b: require('./b'), c: x && require('./c') }\nfunction f() { require('./d') }\nconst g = () => require('./e')\nrequire('./f')\nx.require('./no')\nrequire.resolve('./g')",
			[]string{"1 ./a require", "2 ./b require", "2 ./c require conditional", "3 ./d require lazy", "4 ./e require lazy", "5 ./f require", "7 ./g require"}},
		{"conditions", "a.js", "if (x) require('./a')\nelse require('./b')\nrequire('./c')\nif (y) {\n require('./d')\n}\nrequire('./e')\nx ? require('./f') : require('./g')\nfor (;;) require('./h')",
			[]string{"1 ./a require conditional", "2 ./b require conditional", "3 ./c require", "5 ./d require conditional", "7 ./e require", "8 ./f require conditional", "8 ./g require conditional", "9 ./h require conditional"}},
		{"guards", "a.js", "try { require('./a') } catch (e) { require('./b') }\ntry { require('./c') } finally { }\nimport('./d').catch(() => {})\nawait import('./e')",
			[]string{"1 ./a require guarded", "1 ./b require conditional", "2 ./c require", "3 ./d dynamic lazy guarded", "4 ./e dynamic"}},
		{"called at once", "a.js", "(function () { require('./a') })()\n;(() => { require('./b') })()\n;(async () => { await import('./c') })()",
			[]string{"1 ./a require", "2 ./b require", "3 ./c dynamic"}},
		{"functions with types", "a.ts", "async function f(): Promise<void> { require('./a') }\nclass C { m(): X | Y { require('./b') } }\nnamespace N { const x = require('./c') }",
			[]string{"1 ./a require lazy", "2 ./b require lazy", "3 ./c require"}},
		{"no imports", "a.js", "// import 'a'\n/* require('b') */\nconst s = \"import 'c'\", r = /require('d')/, t = `import 'e' ${`require('f')`}`\nx.import('g')\nconst o = { import: 'h', require: 'i' }\nimport.meta.url\nimport(name)\nrequire(name)", nil},
		{"division", "a.js", "const a = b / c; require('./x') / 2\nif (a) /re'/.test(b)\nrequire('./y')\nx = {} / 1\nrequire('./z')", []string{"1 ./x require", "3 ./y require", "5 ./z require"}},
		{"inside of templates", "a.js", "const t = `a ${require('./x')} b ${ {a: `${y}`} } '`\nrequire('./z')", []string{"1 ./x require", "2 ./z require"}},
		{"jsx", "a.jsx", "import A from './a'\nconst x = <A b='it\"s' {...c} d={require('./d')}>it's <b>a</b> {y && <>don't</>} </A>\nimport './e'", []string{"1 ./a static", "2 ./d require", "3 ./e effect"}},
		{"generics are no elements", "a.tsx", "const f = <T,>(x: T) => x\nconst g = <T extends X>(x: T) => x\nconst [a] = useState<Foo>('it')\ntype F = <T>(x: T) => void\nimport './e'", []string{"5 ./e effect"}},
		{"types are dropped", "a.ts", "import {A} from './a'\nimport {B} from './b'\nimport C from './c'\nimport * as D from './d'\nimport {E, type F} from './e'\nimport G from './g'\nlet a: A\nnew B()\nclass X extends C<A> {}\nlet d: D.T\n@E class Y { constructor(private g: G) {} }",
			[]string{"1 ./a static unsure", "2 ./b static", "3 ./c static", "4 ./d static unsure", "5 ./e static", "6 ./g static unsure"}},
		{"lists of values", "a.ts", "import {A, Aa} from './a'\nimport {B} from './b'\nimport {C} from './c'\nimport {D} from './d'\nimport {E} from './e'\n@Module({imports: [A], providers: [{ provide: X, useClass: B }]})\nclass M {}\nconst all: Y[] = [C, ...D]\napp.use('/x', E)",
			[]string{"1 ./a static", "2 ./b static", "3 ./c static", "4 ./d static", "5 ./e static"}},
		{"lists of types", "a.ts", "import {A} from './a'\nimport {B} from './b'\nimport {C} from './c'\nimport {D} from './d'\ntype T = [A, B]\nf(g<X, A, B>())\ninterface I extends C { m(d: D): void }\nconst f = (c: C, d: D) => 1",
			[]string{"1 ./a static unsure", "2 ./b static unsure", "3 ./c static unsure", "4 ./d static unsure"}},
		{"comments for tools", "a.ts", "// @ts-ignore\nimport './a'\nimport(/* webpackIgnore: true */ './b')\nimport './c'", []string{"2 ./a effect ignored", "3 ./b dynamic lazy ignored", "4 ./c effect"}},
		{"vue", "a.vue", "<template>it's <A/></template>\n<script setup lang=\"ts\">\nimport A from './A.vue'\nimport {b} from './b'\nimport {C} from './c'\nb<C>()\n</script>\n<style>@import 'no'</style>",
			[]string{"3 ./A.vue static", "4 ./b static", "5 ./c static unsure"}},
		{"import equals", "a.ts", "import a = require('./a')\na()\nexport import b = require('./b')\nimport type c = require('./c')\nimport d = e.f", []string{"1 ./a static", "3 ./b static unsure", "4 ./c type"}},
		{"references", "a.ts", "/// <reference path=\"b.d.ts\" />\n/// <reference types=\"node\" />\nimport './c'", []string{"1 ./b.d.ts type", "3 ./c effect"}},
		{"hash bang, byte order mark, returns", "a.js", "#!/usr/bin/env node\r\nimport './a'\r\n", []string{"2 ./a effect"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := Scan([]byte(c.source), c.file)
			assert.Equal(t, c.want, shown(f))
			assert.False(t, f.Broken)
		})
	}
}

func TestBroken(t *testing.T) {
	for _, source := range []string{"const a = 'x", "`", "{", "(", "`${", "/* ", "a)"} {
		f := Scan([]byte("import './a'\n"+source), "a.ts")
		assert.Equal(t, []string{"1 ./a effect"}, shown(f), source)
		assert.Equal(t, source != "/* ", f.Broken, source)
	}
	assert.True(t, Scan([]byte(strings.Repeat(" ", MaxSize+1)), "a.js").Broken)
}

// A source may be made to be slow: what is read twice is bounded. The test ends, that is all.
func TestHostile(t *testing.T) {
	for _, piece := range []string{"/[", "<A", "<A>", "`${", "({[", "import(", "import {a", "x:(", "a ? (b) : ", "type A = ", "//\n", "</", "=(", "class extends ", "'\n"} {
		Scan([]byte(strings.Repeat(piece, 1<<20/len(piece))), "a.tsx")
		Scan([]byte("import {a} from 'b';"+strings.Repeat(piece+"a", 1<<20/len(piece))), "a.ts")
	}
}

func FuzzScan(f *testing.F) {
	f.Add("import {a} from './b'; a(`${<A>it's</A>}`)", true)
	f.Add("if (x) /[/]/.test(require('./a')) / 2", false)
	f.Fuzz(func(t *testing.T, source string, typed bool) {
		name := "a.jsx"
		if typed {
			name = "a.tsx"
		}
		file := Scan([]byte(source), name)
		before := -1
		for _, i := range file.Imports {
			assert.True(t, 0 <= i.Start && i.Start <= i.End && i.End <= len(source))
			assert.Contains(t, source[i.Start:i.End], strings.TrimPrefix(i.Spec, "./"))
			assert.Positive(t, file.Position(i.Start).Line)
			assert.GreaterOrEqual(t, i.Start, before, "in order")
			before = i.Start
		}
		// What stands behind a file that is whole does not change what was found before, and is found itself.
		if !file.Broken && !typed {
			more := Scan([]byte(source+"\n;\nimport 'last'"), name)
			if now := shown(more); !more.Broken && assert.GreaterOrEqual(t, len(now), len(file.Imports)) {
				for n, was := range shown(file) {
					assert.Equal(t, was, now[n])
				}
			}
		}
	})
}

func BenchmarkScan(b *testing.B) {
	source := []byte(strings.Repeat("import { a } from './a'\nexport const x = async (b: string): Promise<void> => {\n  await a(b, { c: [1, 2, `x ${b}`] })\n}\n", 2000))
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		Scan(source, "a.ts")
	}
}
