/** The golden digests as they are shipped. Written by `node --import tsx scripts/goldens.ts`. */

/** Of SHA-256 of the names and digests of the goldens of each part, the first 128 bits. */
export const WHOLE = {
  first: '7360140ec2e2c01506ed3f684368d727',
  narrow: '466e934fceaae1ef486f6fb756381a98',
  int8: 'b29fc1ba4c471874ca773d7dba6a69f0',
  sort: '2b35d02a321c47294084690c48e8d695',
};

/** The first 8 bits of each, in order: enough to tell which came out otherwise, but for one in 256. */
export const PREFIXES = {
  first:
    '4e7037364d827544f9318e396a5de2ba097f14632768652bb16dadca0a5f397a33104cbfab6b6b4e697c9f6868682ae7db6a23a8b60ccf53091517f92ddfc0af5dfe7d87d2b90358f197cb2b9a658bdf7e694ccc371f14a6eab0057a1f98c0885048d4fea39d3768b4ee4a7d12fc801da4b58bddd6e2da4744c1ca8ab1ca13',
  narrow: 'add4a0de37a9aa',
  int8: '1da2',
  sort: '794415919960813f',
};
