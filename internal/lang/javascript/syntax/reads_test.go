package syntax

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
)

// read shows what a source reads: the line, the path and what it begins at, the flags.
func read(f *File) (out []string) {
	for _, r := range f.Reads {
		line := fmt.Sprintf("%d %s %s", f.Position(r.Start).Line, map[Base]string{Workdir: "cwd", OwnDir: "own"}[r.From], r.Path)
		if r.Dir {
			line += "/"
		}
		for n, name := range []string{"lazy", "conditional", "guarded"} {
			if r.Flags&(1<<n) != 0 {
				line += " " + name
			}
		}
		out = append(out, line)
	}
	return out
}

func TestReads(t *testing.T) {
	for _, c := range []struct {
		name, source string
		want         []string
	}{
		{"literals", "fs.readFileSync('a.txt')\nreadFileSync(\"./b/../c\", 'utf8')\nfs.readdirSync('/etc/d')", []string{"1 cwd a.txt", "2 cwd c", "3 cwd /etc/d/"}},
		{"own directory", "fs.readFileSync(__dirname + '/a')\nfs.readFileSync(`${__dirname}/b/c`)\nfs.readFileSync(path.join(__dirname, '..', 'd'))\nreadFileSync(resolve(import.meta.dirname, 'e', 'f'),)",
			[]string{"1 own a", "2 own b/c", "3 own ../d", "4 own e/f"}},
		{"urls", "readFileSync(new URL('./a', import.meta.url))\nreadFileSync(fileURLToPath(new URL('b', import.meta.url)))\nreadFileSync(new URL('https://x/y', import.meta.url))\nreadFileSync(new URL('./a', base))",
			[]string{"1 own a", "2 own b"}},
		{"constants", "const __filename = fileURLToPath(import.meta.url)\nconst __dirname = path.dirname(__filename);\nconst dir = path.resolve(__dirname, 'data'), x = 1\nreadFileSync(path.join(dir, 'a'))\nconst cwd = process.cwd()\nreadFileSync(`${cwd}/b`)",
			[]string{"4 own data/a", "6 cwd b"}},
		{"not constant", "const __dirname = somewhere()\nreadFileSync(__dirname + '/a')\nlet p = 'b'\nreadFileSync(p)\nconst q = 'c'\n{ const q = 'd' }\nreadFileSync(q)\nconst r = 'e' + x\nreadFileSync(r)\nconst s = path.join('f', y)\nreadFileSync(s)", nil},
		{"not a path", "readFileSync(path.join(__dirname, name))\nreadFileSync(__filename)\nreadFileSync(a ? 'b' : 'c')\nreadFileSync('a' + b)\nreadFileSync(`${x}/a`)\nfunction readFileSync(p) {}\nclass C { readFileSync(p) { } }", nil},
		{"awaited", "await readFile('a')\nreadFile('b', cb)\nawait fs.promises.readFile('c')\nawait fs.readdir('d')\nreadFile('e').then(f)\nawait readFile('f').catch(() => 1)",
			[]string{"1 cwd a", "3 cwd c", "4 cwd d/", "6 cwd f guarded"}},
		{"reach", "function f() { fs.readFileSync('a') }\nif (x) fs.readFileSync('b')\ntry { fs.readFileSync('c') } catch {}\nconst g = () => fs.readFileSync('d')\nconst e = x && fs.readFileSync('e')",
			[]string{"1 cwd a lazy", "2 cwd b conditional", "3 cwd c guarded", "4 cwd d lazy", "5 cwd e conditional"}},
		{"asked about", "const p = path.join(__dirname, 'a')\nconst there = fs.existsSync(p)\nfs.readFileSync(p)\nfs.readFileSync('b')\nfs.writeFileSync('b', '')\nfs.copyFileSync('x', 'c')\nfs.readFileSync('c')",
			[]string{"3 own a conditional", "4 cwd b conditional", "7 cwd c conditional"}},
	} {
		t.Run(c.name, func(t *testing.T) { assert.Equal(t, c.want, read(Scan([]byte(c.source), "a.mjs"))) })
	}
}

func TestChangesDir(t *testing.T) {
	assert.True(t, Scan([]byte("process.chdir('/x')\nfs.readFileSync('a')"), "a.js").ChangesDir)
	assert.False(t, Scan([]byte("const chdir = 1\nfs.readFileSync('a')"), "a.js").ChangesDir)
}
