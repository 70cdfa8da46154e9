/** The golden digests as they are shipped. Written by `node --import tsx scripts/goldens.ts`. */

/** SHA-256 of the names and digests of all goldens. */
export const WHOLE = '820e0759b536b6bf6da93702bcdaada6138179944c0059eb6ea5673e332ca7ac';

/** The first 12 bits of each, in order: enough to tell which came out otherwise. */
export const PREFIXES =
  '4e67033703644d982f75a440f9531a8e439d6ad5d8e24ba00937f314963927c68d6562b2b126d9adfcaf0ab5ff39c7a13391084c7bfaaba6b36b74ee6967c59f168b68b68b2a4e78dba6af234a87b6b0c1cf053f09915a174f932d4dfbc00aff5d4fea7d1874d2bb91037585f1697ecb32b59a765f8b5dfb7e96924c7cc73721f1142a60ea4b070577acad01f2987c0b480a05ded379a9daa11d9a2cd4efe5a309df37d686b44ee34a27d5126792447fc380b1d5a49b5515c91499e8b6ddcd65e23dae47660681e440c10cac3ff8acb10ca113c';
