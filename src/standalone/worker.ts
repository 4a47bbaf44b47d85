import { serve } from '../runtime/serve.ts';

/** The worker of a built page: the model trains here, and the page stays free for its reader. */
serve();
