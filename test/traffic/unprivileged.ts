// A program of its own: runs a command of weir's as nobody, where only root could bring it: node unprivileged.js weir ARGS...

const NOBODY = 65534;
const [node = "", , command = "", ...args] = process.argv;

process.setgroups!([]);
process.setgid!(NOBODY);
process.setuid!(NOBODY);
const path = new URL(`../../../../bin/${command}`, import.meta.url);
process.argv = [node, path.pathname, ...args];
await import(path.href);
