import tseslint from "typescript-eslint";

/**
 * Components know nothing of tools, tools nothing of the sandbox, and none of them the tests. Policies know nothing of the others.
 * @param {string[]} files
 * @param {string[]} folders that these files may not import from
 */
function importsNothingFrom(files, folders) {
  const path = `^\\.{1,2}/(.*/)?(${folders.join("|")})/`;
  const message = "Imports go one way: components <- tools <- sandbox <- tests.";
  return {
    files,
    rules: {
      "no-restricted-imports": ["error", { patterns: [{ regex: path, message }] }],
      "no-restricted-syntax": [
        "error",
        { selector: `ImportExpression[source.value=/${path.replaceAll("/", "\\/")}/]`, message },
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ["node_modules/", ".sandbox/", "eslint.config.js", "sdks/gitlab/bin/", "dist/", "docs/api/"] },
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        // Plain JavaScript, since an older Node.js or ts-node has to take it; all the rest is in tsconfig.json.
        projectService: { allowDefaultProject: ["sandbox/bootstrap.mjs", "policy/index.js"] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      curly: "error",
      // One casing: a constant is a variable that does not change.
      "@typescript-eslint/naming-convention": [
        "error",
        { selector: "variable", format: ["camelCase"], leadingUnderscore: "allow" },
        // Names that others gave.
        { selector: "variable", modifiers: ["destructured"], format: null },
        { selector: "typeLike", format: ["PascalCase"] },
      ],
      // An Output in a template string prints a warning instead of its value; numbers and booleans are fine there.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      // A name for a type that Zod infers: editors and the API reference then show the name, and not all that is in it.
      "@typescript-eslint/no-empty-object-type": ["error", { allowInterfaces: "with-single-extends" }],
      // node:test's test() and describe() return promises that the runner awaits.
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", name: ["test", "it", "describe", "suite"], package: "node:test" },
          ],
        },
      ],
      "@typescript-eslint/no-unused-vars": [
        "error",
        { argsIgnorePattern: "^_", varsIgnorePattern: "^_", ignoreRestSiblings: true },
      ],
    },
  },
  importsNothingFrom(["index.ts", "components/**"], ["policy", "tools", "sandbox", "tests"]),
  // The policies do not depend on what they check.
  importsNothingFrom(["policy/**"], ["components", "tools", "sandbox", "tests"]),
  importsNothingFrom(["tools/**"], ["policy", "sandbox", "tests"]),
  importsNothingFrom(["sandbox/**"], ["policy", "tests"]),
);
