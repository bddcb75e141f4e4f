"""Prints, as one JSON line for each Python file, what CPython's own ast module says of it.

Arguments: the number of files to stop at, then the directories to search; without directories, those of this
interpreter and of the distribution. The first line tells the version.
"""

import ast
import glob
import json
import os
import sys
import warnings

MISSING = {"ModuleNotFoundError": 1, "ImportError": 2, "Exception": 4, "StandardError": 4, "BaseException": 8}
ANY, OTHER, CATCHES = 16, 32, 31
TRIES = tuple(getattr(ast, n) for n in ("Try", "TryStar") if hasattr(ast, n))
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


class Context:
    """What surrounds a statement."""

    def __init__(self, flags=(), caught=0, reraised=0, number=0):
        self.flags, self.caught, self.reraised, self.number = frozenset(flags), caught, reraised, number

    def with_(self, *flags, caught=0, reraised=0, number=None):
        number = self.number if number is None else number
        return Context(self.flags | set(flags), self.caught | caught, self.reraised | reraised, number)

    def called(self):
        return Context((self.flags & {"function", "class", "typing", "main"}) | {"function"})

    def show(self):
        return [" ".join(sorted(self.flags)), self.caught, self.reraised, self.number]


def exceptions(node):
    if node is None:
        return ANY
    if isinstance(node, ast.Tuple):
        found = 0
        for element in node.elts:
            found |= exceptions(element)
        return found
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return MISSING.get(name, OTHER)


def leaves(statement):
    if isinstance(statement, ast.Raise):
        return True
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        return False
    return ast.unparse(statement.value.func) in ("sys.exit", "_sys.exit", "os._exit", "_exit", "exit", "quit")


class Reader:
    def __init__(self):
        self.imports, self.bindings, self.annotations = [], [], []
        self.tries = 0
        self.typing = {"TYPE_CHECKING", "MYPY"}

    def bind(self, name, kind, line=0, col=-1):
        self.bindings.append([name, kind, line, col + 1])

    def targets(self, node, kind):
        """What an assignment to node binds."""
        stack = [node]
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Name):
                self.bind(node.id, kind, node.lineno, node.col_offset)
            elif isinstance(node, (ast.Tuple, ast.List)):
                stack.extend(node.elts)
            elif isinstance(node, ast.Starred):
                stack.append(node.value)

    def expression(self, node):
        """The names that := binds in an expression, outside the bodies of lambdas."""
        stack = [node]
        while stack:
            node = stack.pop()
            if isinstance(node, ast.NamedExpr):
                self.bind(node.target.id, "named", node.target.lineno, node.target.col_offset)
            if isinstance(node, ast.Lambda):
                stack.append(node.args)
            else:
                stack.extend(ast.iter_child_nodes(node))

    def checking(self, test):
        """1 if only type checkers go in, -1 if only they do not, 0 otherwise."""
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return -self.checking(test.operand)
        if isinstance(test, ast.BoolOp):
            sides = [self.checking(v) for v in test.values]
            if isinstance(test.op, ast.And):
                return 1 if 1 in sides else 0
            return -1 if -1 in sides else 0
        name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
        return int(name in self.typing)

    def main(self, test):
        if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
            return any(self.main(v) for v in test.values)
        return (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)
                and sorted(ast.unparse(n) for n in (test.left, test.comparators[0])) == ["'__main__'", "__name__"])

    def body(self, statements, context, scope):
        for statement in statements:
            self.statement(statement, context, scope)

    def statement(self, node, context, scope):
        module = scope == "module"
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            self.imported(node, context, module)
            return
        if module:
            for field in ast.iter_child_nodes(node):
                if isinstance(field, (ast.expr, ast.arguments, ast.keyword, ast.withitem)):
                    self.expression(field)
            self.binding(node)
        elif isinstance(node, ast.Global):
            for name in node.names:
                self.bind(name, "global")
        if isinstance(node, FUNCTIONS):
            self.body(node.body, context.called(), "function")
        elif isinstance(node, ast.ClassDef):
            self.body(node.body, context.with_("class"), scope if scope == "function" else "class")
        elif isinstance(node, ast.If):
            self.branch(node, context, scope)
        elif isinstance(node, TRIES):
            self.attempt(node, context, scope, module)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            inner = context
            for item in node.items:
                call = item.context_expr
                if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] == "suppress":
                    found = 0
                    for argument in call.args:
                        found |= exceptions(argument)
                    if found & CATCHES:
                        inner = context.with_("suppressed", "guarded")
            self.body(node.body, inner, scope)
        elif isinstance(node, (ast.For, ast.AsyncFor, ast.While)):
            self.body(node.body, context, scope)
            self.body(node.orelse, context, scope)
        elif hasattr(ast, "Match") and isinstance(node, ast.Match):
            for case in node.cases:
                if module:
                    self.captures(case.pattern)
                    if case.guard:
                        self.expression(case.guard)
                self.body(case.body, context, scope)

    def branch(self, node, context, scope):
        checking = self.checking(node.test)
        inner, other = context, context
        if checking > 0:
            inner = context.with_("typing")
        if checking < 0:
            other = context.with_("typing")
        if self.main(node.test):
            inner = context.with_("main")
        self.body(node.body, inner, scope)
        self.body(node.orelse, other, scope)

    def attempt(self, node, context, scope, module):
        self.tries += 1
        number = self.tries
        inner, guarded = context.with_(number=number), None
        for handler in node.handlers:
            takes, again = exceptions(handler.type), any(leaves(s) for s in handler.body)
            inner = inner.with_("try", **{"reraised" if again else "caught": takes})
            if takes & CATCHES and guarded is None:
                guarded = not again
        if guarded:
            inner = inner.with_("guarded")
        self.body(node.body, inner, scope)
        for handler in node.handlers:
            if module and handler.name:
                self.bind(handler.name, "except")
            if module and handler.type:
                self.expression(handler.type)
            self.body(handler.body, context.with_("handler", number=number), scope)
        self.body(node.orelse, context.with_("else", number=number), scope)
        self.body(node.finalbody, context.with_("finally", number=number), scope)

    def captures(self, pattern):
        for node in ast.walk(pattern):
            name = getattr(node, "rest", None) if isinstance(node, ast.MatchMapping) else getattr(node, "name", None)
            if isinstance(node, (ast.MatchAs, ast.MatchStar, ast.MatchMapping)) and name:
                self.bind(name, "capture")

    def binding(self, node):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.targets(target, "assign")
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                self.targets(node.target, "assign")
            elif node.simple:
                self.annotations.append([node.target.id, node.lineno, node.col_offset + 1])
        elif isinstance(node, ast.AugAssign):
            self.targets(node.target, "augment")
        elif isinstance(node, FUNCTIONS):
            self.bind(node.name, "def")
        elif isinstance(node, ast.ClassDef):
            self.bind(node.name, "class")
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            self.targets(node.target, "for")
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if item.optional_vars is not None:
                    self.targets(item.optional_vars, "with")
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self.targets(target, "delete")
        elif hasattr(ast, "TypeAlias") and isinstance(node, ast.TypeAlias):
            self.bind(node.name.id, "type", node.name.lineno, node.name.col_offset)

    def imported(self, node, context, module):
        place = [node.lineno, node.col_offset + 1, node.end_lineno, node.end_col_offset + 1]
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.imports.append([alias.name, 0, False, alias.asname or "", []] + place + context.show())
                if module:
                    self.bind(alias.asname or alias.name.split(".")[0], "import", alias.lineno, alias.col_offset)
            return
        names = []
        for alias in node.names:
            names.append([alias.name, alias.asname or "", alias.lineno, alias.col_offset + 1])
            if module and alias.name != "*":
                self.bind(alias.asname or alias.name, "import", alias.lineno, alias.col_offset)
            if node.module in ("typing", "typing_extensions") and alias.name == "TYPE_CHECKING":
                self.typing.add(alias.asname or alias.name)
        star = names[0][0] == "*"
        self.imports.append([node.module or "", node.level, True, "*" if star else "", [] if star else names]
                            + place + context.show())


def exported(tree):
    """The names of __all__, if nothing but plain literals are ever put there."""
    names = None
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and ast.unparse(node.targets[0]) == "__all__":
            names = strings(node.value)
        elif isinstance(node, ast.AugAssign) and ast.unparse(node.target) == "__all__" and names is not None:
            more = strings(node.value)
            if more is None:
                return None
            names = names + more
    text = sum(isinstance(n, ast.Name) and n.id == "__all__" for n in ast.walk(tree))
    mine = sum(isinstance(n, (ast.Assign, ast.AugAssign)) and "__all__" in
               (ast.unparse(t) for t in getattr(n, "targets", None) or [n.target]) for n in tree.body)
    return names if text == mine else None


def strings(node):
    if not isinstance(node, (ast.List, ast.Tuple)):
        return None
    if all(isinstance(e, ast.Constant) and isinstance(e.value, str) for e in node.elts):
        return [e.value for e in node.elts]
    return None


def files(limit, roots):
    if not roots:
        roots = [os.path.dirname(os.__file__)] + sorted(glob.glob("/usr/lib/python3*"))
    seen = set()
    for root in roots:
        for where, directories, names in os.walk(root):
            directories.sort()
            for name in sorted(names):
                path = os.path.realpath(os.path.join(where, name))
                if name.endswith(".py") and path not in seen and os.path.isfile(path):
                    if len(seen) == limit:
                        return
                    seen.add(path)
                    yield path


def main():
    warnings.simplefilter("ignore")
    sys.setrecursionlimit(20000)
    print(json.dumps({"version": list(sys.version_info[:2])}))
    for path in files(int(sys.argv[1]), sys.argv[2:]):
        with open(path, "rb") as file:
            source = file.read()
        try:
            tree = ast.parse(source, path)
            reader = Reader()
            reader.body(tree.body, Context(), "module")
        except (SyntaxError, ValueError, RecursionError, MemoryError, LookupError) as error:
            print(json.dumps({"path": path, "error": str(error)}))
            continue
        print(json.dumps({"path": path, "imports": reader.imports, "bindings": reader.bindings,
                          "annotations": reader.annotations, "all": exported(tree)}))


main()
