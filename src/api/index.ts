export * from './amphora.ts';
export * from './flavor.ts';
export * from './flavorprofile.ts';
export * from './listener.ts';
export * from './loadbalancer.ts';
export * from './meta.ts';
export * from './pool.ts';
