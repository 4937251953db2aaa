/*
 * Say which scripts are not the same as the one after them but for blanks and comments:
 *   node same_script.cjs [--names] ONE OTHER [ONE OTHER …]
 * With --names, variables may have other names, each binding one name of its own; and what ends or
 * joins declarations, ends the last statement of a block or stands around a parameter may differ.
 */
"use strict";

const { readFileSync } = require("node:fs");
const ts = require("typescript");

/**
 * Return the syntax tree of a script as lines: the kind of every node, the text of every leaf.
 * @param {string} file
 */
function tree(file) {
  const text = readFileSync(file, "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.JS);
  /** @type {string[]} */
  const lines = source.parseDiagnostics.map((found) => `error: ${found.messageText}`);
  /** @param {ts.Node} node @param {number} depth */
  const walk = (node, depth) => {
    const children = node.getChildren(source);
    const leaf = children.length === 0 && node.kind !== ts.SyntaxKind.EndOfFileToken;
    lines.push(" ".repeat(depth) + ts.SyntaxKind[node.kind] + (leaf ? ` ${node.getText(source)}` : ""));
    // Comments of JSDoc are children too.
    children.filter((child) => !ts.isJSDoc(child)).forEach((child) => walk(child, depth + 1));
  };
  walk(source, 0);
  return lines;
}

/**
 * Return where two scripts differ, or what is wrong with the first; nothing where they are alike.
 * @param {string} before @param {string} after
 */
function difference(before, after) {
  const [one, other] = [before, after].map(named ? program : tree);
  const wrong = one.filter((line) => line.startsWith("error: "));
  const length = Math.max(one.length, other.length);
  const at = Array.from({ length }).findIndex((_, line) => one[line] !== other[line]);
  return at < 0 ? wrong : [...wrong, one[at], other[at]];
}

/**
 * Return the program of a script as lines, every variable as where it is declared.
 * @param {string} file
 */
function program(file) {
  const options = { allowJs: true, noLib: true, noResolve: true, target: ts.ScriptTarget.Latest, types: [] };
  const checker = ts.createProgram([file], options);
  const source = /** @type {ts.SourceFile} */ (checker.getSourceFile(file));
  const types = checker.getTypeChecker();
  /** @type {string[]} */
  const lines = checker.getSyntacticDiagnostics(source).map((found) => `error: ${found.messageText}`);
  /** @type {Map<ts.Node, number>} */
  const declared = new Map();
  /** @param {ts.Identifier} node @returns {string} */
  const variable = (node) => {
    const { parent } = node;
    if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
      return node.text;
    }
    const symbol = ts.isShorthandPropertyAssignment(parent) && parent.name === node
      ? types.getShorthandAssignmentValueSymbol(parent) : types.getSymbolAtLocation(node);
    const declaration = symbol?.declarations?.find((one) => one.getSourceFile() === source);
    if (!declaration || ts.isObjectLiteralElement(declaration) || ts.isClassElement(declaration)) {
      return node.text;
    }
    declared.set(declaration, declared.get(declaration) ?? declared.size);
    return `variable ${declared.get(declaration)}`;
  };
  /** @param {ts.Node} node @param {number} depth */
  const walk = (node, depth) => {
    const { parent } = node;
    if (ts.isBlock(node) || ts.isSourceFile(node)) {
      lines.push(" ".repeat(depth) + ts.SyntaxKind[node.kind]);
      // Declarations of one kind after each other are one, or several.
      let before = -1;
      for (const item of node.statements) {
        const flags = ts.isVariableStatement(item) ? item.declarationList.flags & ts.NodeFlags.BlockScoped : -1;
        if (flags < 1) {
          walk(item, depth + 1);
        } else if (ts.isVariableStatement(item)) {
          flags !== before && lines.push(`${" ".repeat(depth)} declares ${flags}`);
          item.declarationList.declarations.forEach((one) => walk(one, depth + 2));
        }
        before = flags;
      }
      return;
    }
    if (ts.isShorthandPropertyAssignment(node)) {
      lines.push(`${" ".repeat(depth)}property ${node.name.text} = ${variable(node.name)}`);
      node.objectAssignmentInitializer && walk(node.objectAssignmentInitializer, depth + 1);
      return;
    }
    if (ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && ts.isIdentifier(node.initializer)) {
      lines.push(`${" ".repeat(depth)}property ${node.name.text} = ${variable(node.initializer)}`);
      return;
    }
    if (ts.isBindingElement(node) && ts.isObjectBindingPattern(parent) && !node.dotDotDotToken) {
      const name = node.propertyName ?? node.name;
      lines.push(`${" ".repeat(depth)}binds ${ts.isIdentifier(name) ? name.text : ts.SyntaxKind[name.kind]}`);
      ts.isComputedPropertyName(name) && walk(name, depth + 1);
      walk(node.name, depth + 1);
      node.initializer && walk(node.initializer, depth + 1);
      return;
    }
    const leaf = ts.isIdentifier(node) ? variable(node) : ts.isToken(node) ? node.getText(source) : "";
    lines.push(" ".repeat(depth) + ts.SyntaxKind[node.kind] + leaf);
    ts.forEachChild(node, (child) => walk(child, depth + 1));
  };
  walk(source, 0);
  return lines;
}

const named = process.argv.includes("--names");
const files = process.argv.slice(2).filter((item) => item !== "--names");
for (let at = 0; at < files.length; at += 2) {
  const found = difference(files[at], files[at + 1]);
  if (found.length) {
    console.log(`${files[at]}\n  ${found.join("\n  ")}`);
    process.exitCode = 1;
  }
}
