// Reads {batches, hops} and says what the page makes of them, for the test that holds it to the kernel's own words.

import { text } from "node:stream/consumers";

const STATIC = "../../../../lib/flylab/kit/control/static";
const { Fold } = await import(`${STATIC}/control-fold.js`);
const { segments } = await import(`${STATIC}/control-exchange.js`);

const { batches, hops } = JSON.parse(await text(process.stdin));
const fold = new Fold();
for (const batch of batches) fold.apply(batch);
const regions = Object.fromEntries([...fold.regions].map(([code, machines]) => [code, [...machines.keys()].sort()]));
const pieces = hops.map((hop) => segments(hop));
console.log(JSON.stringify({ machines: Object.fromEntries(fold.machines), regions, pieces }));
