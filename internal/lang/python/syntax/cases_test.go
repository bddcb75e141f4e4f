package syntax

// The expectations are one line for each thing found; see describe.
var importCases = []scanCase{
	{"plain", "import a.b as c, d.e\n", `
import a.b as c 1:1-1:21 1:8-1:11
import d.e 1:1-1:21 1:18-1:21
`},
	{"split dotted name", "import a . b \\\n . c\n", `
import a.b.c 1:1-2:5 1:8-2:5
`},
	{"from dot", "from . import x\nfrom .import y\nfrom ... import z\nfrom ...a.b import c as d\n", `
import . x=x@1:15 1:1-1:16 1:6-1:7
import . y=y@2:14 2:1-2:15 2:6-2:7
import ... z=z@3:17 3:1-3:18 3:6-3:9
import ...a.b d=c@4:20 4:1-4:26 4:6-4:12
`},
	{"ellipsis by bracket", "from .. import (a as b, # why\n  c,\n)\n", `
import .. b=a@1:17 c=c@2:3 1:1-3:2 1:6-1:8
`},
	{"star", "from a import *\n", `
import a * 1:1-1:16 1:6-1:7
`},
	{"semicolons", "import a; from b import c; import d\n", `
import a 1:1-1:9 1:8-1:9
import b c=c@1:25 1:11-1:26 1:16-1:17
import d 1:28-1:36 1:35-1:36
`},
	{"lazy statements", "lazy import a.b\nlazy from c import d\nlazy = 1\nlazy.x = 2\n", `
import a.b lazy 1:1-1:16 1:13-1:16
import c d=d@2:20 lazy 2:1-2:21 2:11-2:12
assign lazy 3:1
`},
	{"not statements", "'import a'\nx = '''\nimport b\n'''\n# import c\nf'{y}import d'\nimportant = from_ = 1\n", `
assign x 2:1
assign important 7:1
assign from_ 7:13
literal x add=false complete=true "\nimport b\n"@2:5
`},
	{"byte order mark", "\xEF\xBB\xBFimport a\nimport b\n", `
import a 1:1-1:9 1:8-1:9
import b 2:1-2:9 2:8-2:9
`},
	{"carriage returns", "import a\rif x:\r\n  import b\rimport c # d\rimport e", `
import a 1:1-1:9 1:8-1:9
import b 3:3-3:11 3:10-3:11
import c 4:1-4:9 4:8-4:9
import e 5:1-5:9 5:8-5:9
`},
	{"calls", "import importlib\nfrom importlib import import_module as im\nimportlib.import_module('.a', __package__)\n" +
		"im('b.c', package='p')\n__import__('d', level=1)\nimportlib.import_module(name)\nimportlib.util.find_spec('e')\n" +
		"x = lambda: im('f' '.g')\nother('h')\nim(f'x{y}')\n__import__('i', globals(), locals(), ['x'], 2)\n", `
import importlib 1:1-1:17 1:8-1:17
import importlib im=import_module@2:23 2:1-2:42 2:6-2:15
call importlib.import_module literal=true level=1 module="a" package="" own=true 3:1-3:43
call im literal=true level=0 module="b.c" package="p" own=false 4:1-4:23
call __import__ literal=true level=1 module="d" package="" own=false 5:1-5:25
call importlib.import_module literal=false level=0 module="" package="" own=false 6:1-6:30
call importlib.util.find_spec literal=true level=0 module="e" package="" own=false 7:1-7:30
call im literal=true level=0 module="f.g" package="" own=false 8:13-8:25 function
call im literal=false level=0 module="" package="" own=false 10:1-10:12
call __import__ literal=true level=2 module="i" package="" own=false 11:1-11:47
assign x 8:1
dynamic namespace 11:17
dynamic namespace 11:28
`},
	{"wrong statements", "import\nfrom x\nfrom import y\nimport a b\nfrom a import\nimport c\n", `
import a 4:1-4:11 4:8-4:9
import c 6:1-6:9 6:8-6:9
error 1:1: import of no module
error 2:1: from without import
error 3:1: from without import
error 4:10: import is not understood
error 5:8: import is not understood
`},
}

var bindingCases = []scanCase{
	{"assignments", "a = b = 1\n(c) = d, *e = [f, (g)] = x\nh.i = j[k] = (l).m = (n, o)[0] = 1\np += 1\nq: int = 1\nr: str\ns.t: int\n(u): int\n", `
assign a 1:1
assign b 1:5
assign c 2:2
assign d 2:7
assign e 2:11
assign f 2:16
assign g 2:20
augment p 4:1
assign q 5:1
annotation r 6:1-6:2
`},
	{"lambda default is no target", "f = lambda y=1, *, z=2: y\n", `
assign f 1:1
`},
	{"definitions", "def f(a, b=(c := 1)): d = 2\nclass G(x): h = 1\nasync def i(): pass\n@j(k := 2)\ndef l[T: int](m: n) -> o: pass\nclass P[T = int]: pass\n", `
def f 1:5
named c 1:13
class G 2:7
def i 3:11
named k 4:4
def l 5:5
class P 6:7
`},
	{"loops and with", "for a, (b, *c), d.e, f[g] in h: pass\nwith i as j, k as (l, m): pass\nwith (n as o, p as q,): pass\nasync with r() as s.t, u as v[w]: pass\nwith x: pass\n", `
for a 1:5
for b 1:9
for c 1:13
with j 2:11
with l 2:20
with m 2:23
with o 3:12
with q 3:20
`},
	{"except", "try: pass\nexcept A as e: pass\nexcept (B, C) as f:\n  g = 1\n", `
except e 2:13
except f 3:18
assign g 4:3 handler try=1
`},
	{"named", "print(a := 1, [b := c for c in d], f'{(e := 1)!r:{(g := 2)}}', f'{h:=5}')\nif (i := 1) and (lambda j=(k := 1): (l := 2)): pass\nx[(lambda: (m := 1)), (n := 2)]\n", `
named a 1:7
named b 1:16
named e 1:40
named g 1:52
named i 2:5
named k 2:28
named n 3:24
`},
	{"match", "match x:\n  case [a, *b] if (c := 1): d = 1\n  case {'k': e, **f}: pass\n  case P(g, h=i) | q.r as j: pass\n  case _: pass\n  case None | -1 | 'x': pass\nmatch = 1\nmatch.a = 2\nmatch: int\nmatch[1:2]\ncase = 3\n", `
capture a 2:9
capture b 2:13
named c 2:20
assign d 2:29
capture e 3:14
capture f 3:19
capture g 4:10
capture i 4:15
capture j 4:27
assign match 7:1
assign case 11:1
annotation match 9:1-9:6
`},
	{"type", "type A = int\ntype B[T] = list[T]\ntype = 1\ntype(x)\ntype: int\n", `
type A 1:6
type B 2:6
assign type 3:1
annotation type 5:1-5:5
`},
	{"global", "def f():\n  global a, b\n  a = 1\nglobal c\nclass D:\n  global e\n", `
def f 1:5
global a 2:10 function
global b 2:13 function
class D 5:7
global e 6:10 class
`},
	{"delete", "del a, (b, [c]), d.e, f[g]\n", `
delete a 1:5
delete b 1:9
delete c 1:13
`},
	{"all", "__all__ = ['a', \"b\" 'c', 'd\\x65\\n']\n__all__ += ('f',)\n__all__.extend(['g'])\n__all__.append('h')\n__all__.remove('a')\n", `
assign __all__ 1:1
augment __all__ 2:1
all dynamic=false "bc"@1:17 "de\n"@1:26 "f"@2:13 "g"@3:17 "h"@4:16
`},
	{"all is typed", "__all__: list[str] = ['a']\n", `
assign __all__ 1:1
all dynamic=false "a"@1:23
`},
	{"all without brackets", "__all__ = 'a', 'b'\n", `
assign __all__ 1:1
all dynamic=false "a"@1:11 "b"@1:16
`},
	{"all is dynamic", "__all__ = ['a'] + b.__all__\n", `
assign __all__ 1:1
all dynamic=true "a"@1:12
`},
	{"all is extended by a loop", "__all__ = []\nfor x in y:\n  __all__.append(x)\n", `
assign __all__ 1:1
for x 2:5
all dynamic=true
`},
	{"all of a function", "def f():\n  __all__ = ['x']\n", `
def f 1:5
`},
}

var contextCases = []scanCase{
	{"try", "try:\n  import a\nexcept ImportError:\n  import b\nelse:\n  import c\nfinally:\n  import d\n", `
import a 2:3-2:11 2:10-2:11 guarded try caught=2 reraised=0 try=1
import b 4:3-4:11 4:10-4:11 handler try=1
import c 6:3-6:11 6:10-6:11 else try=1
import d 8:3-8:11 8:10-8:11 finally try=1
`},
	{"re-raised", "try: import a\nexcept ImportError as e:\n  log(e)\n  raise X from e\nexcept (A, builtins.Exception): pass\n", `
import a 1:6-1:14 1:13-1:14 try caught=36 reraised=2 try=1
except e 2:23
`},
	{"ends the program", "import sys\ntry: import a\nexcept ImportError:\n  print('x'); sys.exit(1)\n", `
import sys 1:1-1:11 1:8-1:11
import a 2:6-2:14 2:13-2:14 try caught=0 reraised=2 try=1
`},
	{"raised under a condition", "try: import a\nexcept ImportError:\n  if x: raise\n", `
import a 1:6-1:14 1:13-1:14 guarded try caught=2 reraised=0 try=1
`},
	{"only finally", "try:\n  import a\nfinally: pass\n", `
import a 2:3-2:11 2:10-2:11 try=1
`},
	{"other exceptions", "try: import a\nexcept (KeyError, x.Y): pass\n", `
import a 1:6-1:14 1:13-1:14 try caught=32 reraised=0 try=1
`},
	{"nested", "try:\n  try: import a\n  except ModuleNotFoundError: raise\nexcept: import b\n", `
import a 2:8-2:16 2:15-2:16 guarded try caught=16 reraised=1 try=2
import b 4:9-4:17 4:16-4:17 handler try=1
`},
	{"function in try", "try:\n  def f():\n    import a\nexcept ImportError: pass\n", `
import a 3:5-3:13 3:12-3:13 function
def f 2:7 guarded try caught=2 reraised=0 try=1
`},
	{"new except forms", "try: import a\nexcept* ImportError: pass\ntry: import b\nexcept KeyError, ImportError: pass\n", `
import a 1:6-1:14 1:13-1:14 guarded try caught=2 reraised=0 try=1
import b 3:6-3:14 3:13-3:14 guarded try caught=34 reraised=0 try=2
`},
	{"suppress", "with contextlib.suppress(ImportError, X): import a\nwith suppress(KeyError): import b\nwith x, suppress(Exception) as y:\n  import c\n", `
import a 1:43-1:51 1:50-1:51 guarded suppressed
import b 2:26-2:34 2:33-2:34
import c 4:3-4:11 4:10-4:11 guarded suppressed
with y 3:32
`},
	{"class and method", "class A:\n  import a\n  def f(self):\n    import b\n    class B: import c\n", `
import a 2:3-2:11 2:10-2:11 class
import b 4:5-4:13 4:12-4:13 class function
import c 5:14-5:22 5:21-5:22 class function
class A 1:7
`},
	{"type checking", "import typing as t\nfrom typing import TYPE_CHECKING as TC\nif t.TYPE_CHECKING: import a\nelse: import b\nif TC: import c\nif not TC:\n  import d\nelif x: import e\nelse: import f\nif TYPE_CHECKING or x: import g\nif x and TYPE_CHECKING: import h\n", `
import typing as t 1:1-1:19 1:8-1:14
import typing TC=TYPE_CHECKING@2:20 2:1-2:39 2:6-2:12
import a 3:21-3:29 3:28-3:29 typing never
import b 4:7-4:15 4:14-4:15
import c 5:8-5:16 5:15-5:16 typing never
import d 7:3-7:11 7:10-7:11
import e 8:9-8:17 8:16-8:17 typing never
import f 9:7-9:15 9:14-9:15 typing never
import g 10:24-10:32 10:31-10:32
import h 11:25-11:33 11:32-11:33 typing never
`},
	{"main", "if __name__ == '__main__': import a\nelse: import b\nif '__main__' == __name__ and x: import c\nif __name__ != '__main__': import d\n", `
import a 1:28-1:36 1:35-1:36 main
import b 2:7-2:15 2:14-2:15
import c 3:34-3:42 3:41-3:42 main
import d 4:28-4:36 4:35-4:36
`},
	{"version", "import sys\nif sys.version_info[0] == 2: import a\nelif sys.version_info < (3, 8): import b\nelse: import c\nif sys.version_info[:2] >= (3, 12) and x: import d\nif (3, 5) <= sys.version_info < (3, 9): import e\nif sys.version_info.major >= 3 and sys.version_info.minor > 12: import f\nif sys.hexversion < 0x03000000: import g\nif sys.version[0] == '3': import h\n", `
import sys 1:1-1:11 1:8-1:11
import a 2:30-2:38 2:37-2:38 version never
import b 3:33-3:41 3:40-3:41 version never
import c 4:7-4:15 4:14-4:15 version
import d 5:43-5:51 5:50-5:51 version
import e 6:41-6:49 6:48-6:49 version never
import f 7:65-7:73 7:72-7:73 version never
import g 8:33-8:41 8:40-8:41 version never
import h 9:27-9:35 9:34-9:35 version
`},
	{"version exactly", "import sys\nif sys.version_info >= (3, 12): import a\nif sys.version_info > (3, 12): import b\nif sys.version_info >= (3, 12, 4): import c\nif sys.version_info == (3, 12): import d\n", `
import sys 1:1-1:11 1:8-1:11
import a 2:33-2:41 2:40-2:41 version
import b 3:32-3:40 3:39-3:40 version
import c 4:36-4:44 4:43-4:44 version
import d 5:33-5:41 5:40-5:41 version never
`},
	{"version by name", "import sys as s\nPY3 = s.version_info >= (3,)\nOLD = not PY3\nif PY3: import a\nelse: import b\nif OLD: import c\nif six.PY2: import d\n", `
import sys as s 1:1-1:16 1:8-1:11
import a 4:9-4:17 4:16-4:17 version
import b 5:7-5:15 5:14-5:15 version never
import c 6:9-6:17 6:16-6:17 version never
import d 7:13-7:21 7:20-7:21 version never
assign PY3 2:1
assign OLD 3:1
`},
	{"platform", "import sys, os, platform\nif sys.platform == 'win32': import a\nelif os.name == 'posix': import b\nelse: import c\nif sys.platform.startswith(('win', 'cyg')): import d\nif sys.platform in ('linux', 'darwin'): import e\nif platform.system() != 'Linux': import f\n", `
import sys 1:1-1:25 1:8-1:11
import os 1:1-1:25 1:13-1:15
import platform 1:1-1:25 1:17-1:25
import a 2:29-2:37 2:36-2:37 platform never
import b 3:26-3:34 3:33-3:34 platform
import c 4:7-4:15 4:14-4:15 platform never
import d 5:45-5:53 5:52-5:53 platform never
import e 6:41-6:49 6:48-6:49 platform
import f 7:34-7:42 7:41-7:42 platform never
`},
	{"constants", "if 0: import a\nif False: import b\nif True: import c\nwhile 1: import d\nif x if y else z: import e\n", `
import a 1:7-1:15 1:14-1:15 never
import b 2:11-2:19 2:18-2:19 never
import c 3:10-3:18 3:17-3:18
import d 4:10-4:18 4:17-4:18
import e 5:19-5:27 5:26-5:27
`},
	{"conditions of development", "if settings.DEBUG: import a\nelse: import b\nif 'pytest' in sys.modules: import c\n" +
		"if os.environ['APP_ENV'] != 'production': import d\nif os.getenv('ENV', 'dev') == 'prod': import e\n" +
		"if not DEBUG: import f\nif ENV == 'production': import g\nif x and TESTING: import h\nif x or TESTING: import i\n" +
		"def f():\n  if DEBUG == False: import j\n  elif is_dev(): import k\nif latest: import l\n", `
import a 1:20-1:28 1:27-1:28 development
import b 2:7-2:15 2:14-2:15
import c 3:29-3:37 3:36-3:37 development
import d 4:43-4:51 4:50-4:51 development
import e 5:39-5:47 5:46-5:47
import f 6:15-6:23 6:22-6:23
import g 7:25-7:33 7:32-7:33
import h 8:19-8:27 8:26-8:27 development
import i 9:18-9:26 9:25-9:26
import j 11:22-11:30 11:29-11:30 function
import k 12:18-12:26 12:25-12:26 function development
import l 13:12-13:20 13:19-13:20
def f 10:5
`},
	{"lambda", "x = lambda: (import_module('a'), [import_module('b')])\ny = (lambda: 1, import_module('c'))\n", `
call import_module literal=true level=0 module="a" package="" own=false 1:14-1:32 function
call import_module literal=true level=0 module="b" package="" own=false 1:35-1:53 function
call import_module literal=true level=0 module="c" package="" own=false 2:17-2:35
assign x 1:1
assign y 2:1
`},
	{"else of loops", "for x in y: pass\nelse: import a\nwhile x: pass\nelse:\n  import b\n", `
import a 2:7-2:15 2:14-2:15
import b 5:3-5:11 5:10-5:11
for x 1:5
`},
}

var lexingCases = []scanCase{
	{"nested f-strings", "x = f\"{f'{f\"{a[\"b\"]}\"}'}\"\nimport b\n", `
import b 2:1-2:9 2:8-2:9
assign x 1:1
`},
	{"f-string of lines", "x = f'''{\n  a # }\n:{b}>{{c}}\n}'''\nimport b\n", `
import b 5:1-5:9 5:8-5:9
assign x 1:1
`},
	{"f-string escapes", "x = f'\\N{DASH}\\{y}{{}}' rf'\\{z}'; import b\n", `
import b 1:35-1:43 1:42-1:43
assign x 1:1
`},
	{"template string", "x = t'{a:{b}}' rT\"{c}\"; import b\n", `
import b 1:25-1:33 1:32-1:33
assign x 1:1
`},
	{"f-string never closed", "x = f'{a\nimport b\n", `
import b 2:1-2:9 2:8-2:9
assign x 1:1
error 1:7: f-string is never closed
`},
	{"f-strings never closed", "x = f'{f\"{f\\'{\nimport b\nimport c\n", `
import b 2:1-2:9 2:8-2:9
import c 3:1-3:9 3:8-3:9
assign x 1:1
error 1:12: backslash outside a string
`},
	{"string never closed", "x = 'a\nimport b\n", `
import b 2:1-2:9 2:8-2:9
assign x 1:1
error 1:5: string is never closed
`},
	{"text never closed", "import b\nx = '''a\nimport c\n", `
import b 1:1-1:9 1:8-1:9
assign x 2:1
error 2:5: string is never closed
`},
	{"bracket never closed", "x = [1,\n\nimport b\nclass C:\n  import d\n", `
import b 3:1-3:9 3:8-3:9
import d 5:3-5:11 5:10-5:11 class
assign x 1:1
class C 4:7
error 1:5: bracket is never closed
`},
	{"bracket too many", "x = 1)\nimport b\ny = (1]\nimport c\n", `
import b 2:1-2:9 2:8-2:9
import c 4:1-4:9 4:8-4:9
assign x 1:1
assign y 3:1
error 1:6: closing bracket without an opening one
error 3:7: closing bracket does not match the opening one
`},
	{"backslashes", "\\\nimport a\nx = 1 \\\n\nimport b\nif x:\n    \\\n  import c\nimport \\\n  d\n", `
import a 2:1-2:9 2:8-2:9
import b 5:1-5:9 5:8-5:9
import c 8:3-8:11 8:10-8:11
import d 9:1-10:4 10:3-10:4
assign x 3:1
`},
	{"backslash at the end", "import a\n\\", `
import a 1:1-1:9 1:8-1:9
error 2:1: end of file after a backslash
`},
	{"backslash astray", "x = \\ y\nimport b\n", `
import b 2:1-2:9 2:8-2:9
assign x 1:1
error 1:5: backslash outside a string
`},
	{"tabs and form feeds", "if x:\n\timport a\n        import b\n\f\nimport c\n  \fimport d\n", `
import a 2:2-2:10 2:9-2:10
import b 3:9-3:17 3:16-3:17
import c 5:1-5:9 5:8-5:9
import d 6:4-6:12 6:11-6:12
`},
	{"indentation", "  import a\nif x:\nimport b\nif y:\n    import c\n  import d\nimport e\n", `
import a 1:3-1:11 1:10-1:11
import b 3:1-3:9 3:8-3:9
import c 5:5-5:13 5:12-5:13
import d 6:3-6:11 6:10-6:11
import e 7:1-7:9 7:8-7:9
error 1:3: unexpected indentation
error 3:1: an indented block is missing
error 6:3: indentation matches no outer level
`},
	{"NUL", "import a\x00\nimport b\n", `
import a 1:1-1:10 1:8-1:9
import b 2:1-2:9 2:8-2:9
error 1:9: NUL byte
`},
	{"not UTF-8", "import a\n# \xff\nimport b\n", `
import a 1:1-1:9 1:8-1:9
import b 3:1-3:9 3:8-3:9
error 2:3: not UTF-8, and no other encoding is declared
`},
	{"another encoding", "# -*- coding: latin-1 -*-\n# \xff\nimport b\n", `
import b 3:1-3:9 3:8-3:9
`},
	{"numbers by keywords", "x = 1if 0x1for x in 1_0else 1e5or(y:=1.)\nimport a\n", `
import a 2:1-2:9 2:8-2:9
assign x 1:1
named y 1:35
`},
	{"Python 2", "print 'a'\nprint >>f, x\nexec 'import b'\nraise A, 'b'\nx = `y`\nif a <> b: pass\ntry: import c\nexcept E, e: pass\nimport d\n0777L; ur'x'\nprint x\n", `
import c 7:6-7:14 7:13-7:14 try caught=32 reraised=0 try=1
import d 9:1-9:9 9:8-9:9
assign x 5:1
dynamic exec 3:1
error 1:1: print statement of Python 2
error 3:1: exec statement of Python 2
error 4:1: raise statement of Python 2
error 5:5: backquotes are of Python 2
error 6:6: <> is of Python 2
error 11:1: print statement of Python 2
`},
	{"names that are not ASCII", "import größe\nfrom straße import ä as é\nö = 1\n", `
import größe 1:1-1:15 1:8-1:15
import straße é=ä@2:21 2:1-2:29 2:6-2:13
assign ö 3:1
`},
	{"empty", "", ``},
	{"only a comment", "# x", ``},
}
