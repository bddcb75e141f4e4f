package syntax

var pathCases = []scanCase{
	{"os.path", "import sys, os\nsys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))\nsys.path.append(os.path.join(os.path.dirname(__file__), '..', 'lib'))\n" +
		"sys.path.insert(1, os.path.dirname(__file__) + '/../x')\nsys.path.append('/opt/a/../b')\nsys.path.append('src')\nsys.path.append(os.getcwd())\n" +
		"sys.path.append(os.path.normpath(os.path.join(__file__, os.pardir, os.pardir)))\nsys.path.append(x)\nsys.path.append(os.path.join(x, 'y'))\n", `
import sys 1:1-1:15 1:8-1:11
import os 1:1-1:15 1:13-1:15
path 2 1 "" front=true replace=false 2:20
path 2 2 "lib" front=false replace=false 3:17
path 2 2 "x" front=true replace=false 4:20
path 1 0 "/opt/b" front=false replace=false 5:17
path 1 0 "src" front=false replace=false 6:17
path 1 0 "." front=false replace=false 7:17
path 2 2 "" front=false replace=false 8:17
path 0 0 "" front=false replace=false 9:17
path 0 0 "" front=false replace=false 10:17
`},
	{"dirname of what is not normal", "import sys\nsys.path.append(dirname(join(dirname(__file__), '..')))\n", `
import sys 1:1-1:11 1:8-1:11
path 2 1 "" front=false replace=false 2:17
`},
	{"pathlib", "import sys\nROOT = Path(__file__).resolve().parent.parent\nsys.path.insert(0, str(ROOT / 'src'))\nsys.path.insert(0, str(Path(__file__).parents[2]))\n" +
		"sys.path.append((ROOT / 'a' / '..' / 'b').as_posix())\nsys.path.append(str(ROOT.joinpath('c', 'd')))\nsys.path.append(ROOT.name)\n", `
import sys 1:1-1:11 1:8-1:11
assign ROOT 2:1
path 2 2 "src" front=true replace=false 3:20
path 2 3 "" front=true replace=false 4:20
path 2 2 "b" front=false replace=false 5:17
path 2 2 "c/d" front=false replace=false 6:17
path 0 0 "" front=false replace=false 7:17
`},
	{"lists", "import sys\nsys.path[0:0] = ['a', 'b']\nsys.path += ['c']\nsys.path.extend(['d', e])\nsys.path = ['f'] + sys.path\nsys.path = ['g']\nsys.path[:0] = x\n", `
import sys 1:1-1:11 1:8-1:11
path 1 0 "a" front=true replace=false 2:18
path 1 0 "b" front=true replace=false 2:23
path 1 0 "c" front=false replace=false 3:14
path 1 0 "d" front=false replace=false 4:18
path 0 0 "" front=false replace=false 4:23
path 1 0 "f" front=true replace=false 5:13
path 1 0 "g" front=false replace=true 6:13
path 0 0 "" front=true replace=false 7:16
`},
	{"by other names", "import sys as s, site\nfrom sys import path as p\ns.path.append('a')\np.insert(0, 'b')\nsite.addsitedir('c')\nos.path.append('d')\npath.append('e')\n", `
import sys as s 1:1-1:22 1:8-1:11
import site 1:1-1:22 1:18-1:22
import sys p=path@2:17 2:1-2:26 2:6-2:9
path 1 0 "a" front=false replace=false 3:15
path 1 0 "b" front=true replace=false 4:13
path 1 0 "c" front=false replace=false 5:17
literal os.path add=true complete=true "d"@6:16
literal path add=true complete=true "e"@7:13
`},
	{"in a function", "import sys\nHERE = dirname(__file__)\ndef f():\n  here = join(HERE, 'x')\n  sys.path.append(here)\ndef g():\n  sys.path.append(here)\n", `
import sys 1:1-1:11 1:8-1:11
assign HERE 2:1
def f 3:5
def g 6:5
path 2 1 "x" front=false replace=false 5:19 function
path 0 0 "" front=false replace=false 7:19 function
`},
	{"assigned again", "import sys\nA = dirname(__file__)\nwhile x:\n  A = dirname(A)\nsys.path.append(A)\nB = 'x'\nif y: B = 'z'\nsys.path.append(B)\nB = 'w'\nsys.path.append(B)\n", `
import sys 1:1-1:11 1:8-1:11
assign A 2:1
assign A 4:3
assign B 6:1
assign B 7:7
assign B 9:1
path 0 0 "" front=false replace=false 5:17
path 0 0 "" front=false replace=false 8:17
path 1 0 "w" front=false replace=false 10:17
literal B add=false complete=true "x"@6:5
literal B add=false complete=true "z"@7:11
literal B add=false complete=true "w"@9:5
`},
}

var literalCases = []scanCase{
	{"displays", "A = ['a', 'b' 'c', *D, e]\nB = ('x',) + C + ['y']\nF = 'z'\nG += ['g']\nG.append('h')\nG.extend(('i',))\nH = {'k': 'v', 'l': ['m', {'n': 'o'}], p: 'q'}\nI = {'a', 'b'}\n", `
assign A 1:1
assign B 2:1
assign F 3:1
augment G 4:1
assign H 7:1
assign I 8:1
literal A add=false complete=false "a"@1:6 "bc"@1:11 ref:D
literal B add=false complete=true "x"@2:6 "y"@2:19 ref:C
literal F add=false complete=true "z"@3:5
literal G add=true complete=true "g"@4:7
literal G add=true complete=true "h"@5:10
literal G add=true complete=true "i"@6:11
literal H add=false complete=false "v"@7:11/k "m"@7:22/l "o"@7:33/n "q"@7:43
literal I add=false complete=true "a"@8:6 "b"@8:11
`},
	{"no literals", "A = 1\nB = x\nC = f(y)\nD = [1, 2]\nE = ['a'.lower(), 'b' + c, b'd', f'e', r'\\f', '\\N{DASH}']\nF = ['a'] if x else ['b']\nG = [x for x in 'y']\n", `
assign A 1:1
assign B 2:1
assign C 3:1
assign D 4:1
assign E 5:1
assign F 6:1
assign G 7:1
literal E add=false complete=false "\\f"@5:40 ref:c
literal F add=false complete=false "a"@6:6
`},
	{"sums", "A = list(B) + sorted(['a'])\nA = B + C\n", `
assign A 1:1
assign A 2:1
literal A add=false complete=false "a"@1:23
literal A add=false complete=true ref:B ref:C
`},
	{"targets", "app.conf.imports = ['a']\nA = B = ['c']\nclass C:\n  D = ['e']\n  def f(self): G = ['h']\n", `
assign A 2:1
assign B 2:5
class C 3:7
literal app.conf.imports add=false complete=true "a"@1:21
literal A add=false complete=true "c"@2:10
literal B add=false complete=true "c"@2:10
literal D add=false complete=true "e"@4:8 class
`},
	{"framework calls", "path('x', include('a.urls'))\napp.autodiscover_tasks(['a', 'b'], related_name='c')\napp = Celery('x', include=['d'], **kw)\ninclude((x, 'y'), 'z')\ndef include(x): pass\n", `
assign app 3:1
def include 5:5
called include 1:11-1:28 ( complete=true "a.urls"@1:19)
called app.autodiscover_tasks 2:1-2:53 ( complete=true "a"@2:25 "b"@2:30) (related_name complete=true "c"@2:49)
called Celery 3:7-3:39 ( complete=true "x"@3:14) (include complete=true "d"@3:28) ( complete=false)
called include 4:1-4:23 ( complete=false "y"@4:13) ( complete=true "z"@4:19)
`},
}

var markerCases = []scanCase{
	{"getattr", "def __getattr__(name): pass\nclass A:\n  def __getattr__(self): pass\n", `
def __getattr__ 1:5
class A 2:7
dynamic __getattr__ 1:5
`},
	{"namespace", "globals()['x'] = 1\nvars()['y'] = 1\nvars(z)\nlocals()\ndef f(): globals(); locals(); x.globals()\n", `
def f 5:5
dynamic namespace 1:1
dynamic namespace 2:1
dynamic namespace 4:1
dynamic namespace 5:10 function
`},
	{"exec", "exec('x')\neval(y)\ncursor.exec('z')\n", `
dynamic exec 1:1
dynamic exec 2:1
`},
	{"sys.modules", "import sys\nsys.modules[__name__] = X()\nsys.modules['a.b'] = c\nsetattr(sys.modules[__name__], 'x', 1)\nsys.modules['y']\n'z' in sys.modules\nsys.modules.setdefault('w', v)\nsys.meta_path.append(u)\n", `
import sys 1:1-1:11 1:8-1:11
dynamic sys.modules 2:1
dynamic sys.modules 3:1
dynamic setattr 4:1
dynamic sys.modules 4:9
dynamic sys.modules 7:1
dynamic sys.meta_path 8:1
`},
	{"package path", "__path__ = extend_path(__path__, __name__)\n__path__.append('x')\nprint(__path__)\n", `
assign __path__ 1:1
dynamic __path__ 1:1
dynamic __path__ 2:1
literal __path__ add=true complete=true "x"@2:17
`},
	{"enumerations", "@enum.global_enum\nclass A(Enum): pass\nIntEnum._convert_('B', __name__, f)\n", `
class A 2:7
dynamic global_enum 1:7
dynamic global_enum 3:9
`},
}
