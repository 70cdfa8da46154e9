import { programOf } from './fuzz/run.ts'; import { caseOf } from './fuzz/program.ts'; import { expectedOf } from './fuzz/check.ts';
const calls: Record<string,number> = {}; let steps=0,nan=0,el=0,outs=0,empty=0,grads=0, assigns=0, t0=performance.now(); const N=1000;
const c2: Record<string,number>={};
for (let k=0;k<N;k++){ const p=programOf(7,k); steps+=p.steps.length; assigns+=p.assigns.length; for(const s of p.steps) calls[s.call]=(calls[s.call]??0)+1;
 const e=expectedOf(caseOf(p))[0]; for(const o of e.outputs){outs++; if(o.data.length===0){empty++;continue;} let z=0; for(const x of o.data){el++; if(Number.isNaN(x)){nan++;z++;}} if(z===o.data.length) c2.allnan=(c2.allnan??0)+1; else if(o.data.every(x=>x===0)) c2.allzero=(c2.allzero??0)+1;} }
console.log({steps:steps/N, outs, empty, el, nan, assigns, c2, ms: performance.now()-t0}, calls);
