// Prints what TypeScript's own parser says of the sources below some directories, one line of JSON each: the imports with their lines,
// and those that are left once the file is compiled alone.
const ts = require('typescript'), fs = require('fs'), path = require('path')
const [limit, ...roots] = process.argv.slice(1)
const endings = ['.ts', '.tsx', '.js', '.jsx', '.mjs', '.cjs', '.mts', '.cts']
let left = Number(limit)

function lazy(node) {
  for (let at = node, up = node.parent; up; at = up, up = up.parent) {
    if (ts.isFunctionLike(up)) {
      let call = up.parent
      while (call && ts.isParenthesizedExpression(call)) call = call.parent
      if (call && ts.isCallExpression(call) && (call.expression === up || ts.isParenthesizedExpression(call.expression) && call.expression.expression === up)) continue
      return true
    }
  }
  return false
}

function read(source) {
  const found = []
  const add = (node, spec, kind) => {
    if (spec && ts.isStringLiteralLike(spec) && spec.text && !spec.getText(source).includes('\\')) {
      found.push([source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1, spec.text, kind, lazy(node)])
    }
  }
  const visit = node => {
    if (ts.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, !node.importClause ? 'effect' : node.importClause.isTypeOnly ? 'type' : 'static')
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      add(node, node.moduleSpecifier, node.isTypeOnly ? 'type' : 'static')
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node, node.moduleReference.expression, 'equals')
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal, 'type')
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      add(node, node.arguments[0], 'dynamic')
    } else if (ts.isCallExpression(node) && node.arguments.length && /^require(\s*\.\s*resolve)?$/.test(node.expression.getText(source))) {
      add(node, node.arguments[0], 'require')
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function file(name) {
  const text = fs.readFileSync(name, 'utf8')
  const source = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true)
  if (source.parseDiagnostics.length) return
  const out = { path: name, imports: read(source) }
  if (/ts/.test(path.extname(name)) && !/\.d\.[mc]?ts$/.test(name)) {
    try {
      const js = ts.transpileModule(text, { fileName: name, compilerOptions: { module: 'esnext', target: 'esnext', jsx: 'preserve' } }).outputText
      out.kept = read(ts.createSourceFile('x.jsx', js, ts.ScriptTarget.Latest, true)).map(i => i[1])
    } catch {} // it gives up on some
  }
  console.log(JSON.stringify(out))
  left--
}

function walk(dir) {
  for (const e of fs.readdirSync(dir, { withFileTypes: true })) {
    const at = path.join(dir, e.name)
    if (left <= 0) return
    if (e.isDirectory() && e.name !== '.git') walk(at)
    else if (e.isFile() && endings.includes(path.extname(e.name)) && fs.statSync(at).size < 1 << 20) file(at)
  }
}
for (const root of roots) walk(root)
