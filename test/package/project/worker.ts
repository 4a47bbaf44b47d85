import { serve } from 'nnc/worker';

serve();
