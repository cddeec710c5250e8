/**
 * Proves the floors of docs/architecture.md: a file imports only from its own folder or from floors
 * below it, and never in a circle. Type-only imports count, because a type that points upwards is a
 * design that points upwards.
 */

/** From the ground up. Folders that share a floor do not see each other. */
const FLOORS = [
  ['errors.ts'],
  ['options.ts'],
  ['files'],
  ['kernels'],
  ['tensor'],
  ['autograd'],
  ['ops'],
  ['nn', 'optim', 'data'],
  ['graph'],
  ['quant'],
  ['ir', 'checkpoint'],
  ['runtime', 'profile'],
  ['cli'],
  ['index.ts'],
];

const escaped = (text) => text.replace('.', '\\.');
/** A pattern for a folder of src (everything in it) or for a file of src. */
const pattern = (names) => `^src/(${names.map((name) => escaped(name) + (name.includes('.') ? '$' : '/')).join('|')})`;

const floorRules = FLOORS.flatMap((floor, height) =>
  floor.map((name) => ({
    name: `floor-${name.replace('.ts', '')}`,
    severity: 'error',
    comment: `src/${name} imports from itself and from the floors below it only.`,
    from: { path: pattern([name]) },
    to: { path: '^src/', pathNot: pattern([name, ...FLOORS.slice(0, height).flat()]) },
  })),
);

module.exports = {
  forbidden: [
    ...floorRules,
    {
      name: 'known-floor',
      severity: 'error',
      comment: 'Every file of src stands on a floor; a new folder is added to FLOORS first.',
      from: { path: '^src/', pathNot: pattern(FLOORS.flat()) },
      to: {},
    },
    {
      name: 'no-circles',
      severity: 'error',
      from: { path: '^src/' },
      to: { circular: true },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: { path: '^src/' },
      to: { couldNotResolve: true },
    },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      comment: 'What the library loads at run time must be in "dependencies", or an installation lacks it.',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'browser-safe',
      severity: 'error',
      comment:
        'Only the command line loads Node modules statically; elsewhere use await import(), so that bundles work.',
      from: { path: '^src/', pathNot: '^src/cli/' },
      to: { dependencyTypes: ['core'], dependencyTypesNot: ['type-only', 'dynamic-import'] },
    },
    {
      name: 'no-tests-in-src',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|examples|bench|scripts)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
    },
  },
};
