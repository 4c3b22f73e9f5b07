// Kernel TypeScript has no standard library. These are the global types that the language itself cannot do without.
interface Array<T> { readonly [index: number]: T; readonly length: number }
interface Boolean {}
interface CallableFunction {}
interface Function {}
interface IArguments {}
interface NewableFunction {}
interface Number {}
interface Object {}
interface RegExp {}
interface String {}
interface Readonly<T> {}
