/** The golden digests as they are shipped. Written by `node --import tsx scripts/goldens.ts`. */

/** SHA-256 of the names and digests of the goldens of each part. */
export const WHOLE = {
  first: 'ff5d9e553f6d403ae783ef51ebb4e51b8e24a47759c3a4f01c131464a3c2c785',
  narrow: '2511f675b0daa1beba8bc91fed91cfa0547ef93fe41ac494c060d61f7fe3bb86',
  int8: 'b29fc1ba4c471874ca773d7dba6a69f0b7b06f3cddac5dc71b7e15e1d4e0f53b',
  sort: '2b35d02a321c47294084690c48e8d69556f57ecd99f9f70b916658277371dd5b',
};

/** The first 12 bits of each, in order: enough to tell which came out otherwise. */
export const PREFIXES = {
  first:
    '4e67033703644d982f75a440f9531a8e439d6ad5d8e24ba00937f314963927c68d6562b2b126d9adfcaf0ab5ff39c7a13391084c7bfaaba6b36b74ee6967c59f168b68b68b2a4e78dba6af234a87b6b0c1cf053f09915a174f932d4dfbc00aff5d4fea7d1874d2bb91037585f1697ecb32b59a765f8b5dfb7e96924c7cc73721f1142a60ea4b070577ac1f2987c0b480d4efe5a309df37d686b44ee34a27d5126fc380b1d5a49b558b6ddcd65e23dae476440c10cac8acb10ca113c',
  narrow: 'ad0a05ded379a9daa1',
  int8: '1d9a2c',
  sort: '79244715c91499e60681e3ff',
};
