export { carriedOver } from '../haproxy/index.ts';
