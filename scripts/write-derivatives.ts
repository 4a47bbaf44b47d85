// Writes src/library/derivatives.ts.
import { writeFileSync } from 'node:fs';
import { derivativesText } from './derivatives.ts';

writeFileSync('src/library/derivatives.ts', derivativesText());
