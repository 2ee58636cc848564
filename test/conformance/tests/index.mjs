// The conformance tests, in the order in which they run. `{name, run(lab) → {ok, got}, fresh?}`; see ../lab.mjs.
import { certificateTests } from './certificates.mjs';
import { http1Tests } from './http1.mjs';
import { identityTests } from './identity.mjs';
import { streamTests } from './streams.mjs';
import { survivalTests } from './survival.mjs';

export const TESTS = [...http1Tests, ...streamTests, ...identityTests, ...certificateTests, ...survivalTests];
