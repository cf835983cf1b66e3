// The types of `index.mjs`: the same as those of `index.cjs`.

export * from './index.js';
