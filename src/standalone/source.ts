import type { Packed, PageInfo } from '../page/built.ts';
import type { Plan } from '../plan.ts';

/** Where a page's parts come from: files beside it, or the page itself. */
export interface Source {
  readonly info: PageInfo;
  readonly plan: Plan;
  /** Addresses of the sections that the plan leaves out. */
  readonly sections: Readonly<Record<string, string>>;
  /** The address of the worker's script. */
  readonly worker: string;
  bytes(name: 'data' | 'weights'): Promise<Uint8Array>;
}

const at = (name: string): string => new URL(name, import.meta.url).href;

async function fetched(name: string): Promise<Response> {
  const response = await fetch(at(name));
  if (!response.ok) throw new Error(`${name} is not there (${response.status}): build the page again`);
  return response;
}

export async function openSource(): Promise<Source> {
  const inside = document.getElementById('packed');
  if (inside) return unpacked(JSON.parse(inside.textContent ?? '') as Packed);
  const [info, plan] = await Promise.all(['page.json', 'plan.json'].map(async (name) => (await fetched(name)).json() as unknown));
  return {
    info: info as PageInfo,
    plan: plan as Plan,
    sections: Object.fromEntries(((plan as Plan).elsewhere ?? []).map((name) => [name, at(`plan.${name}.json`)])),
    worker: at('worker.js'),
    bytes: async (name) => new Uint8Array(await (await fetched(`${name}.safetensors`)).arrayBuffer()),
  };
}

function unpacked({ info, plan, worker, ...parts }: Packed): Source {
  return {
    info,
    plan,
    sections: {},
    worker: URL.createObjectURL(new Blob([worker], { type: 'text/javascript' })),
    bytes: (name) => Promise.resolve(Uint8Array.from(atob(parts[name] ?? ''), (c) => c.charCodeAt(0))),
  };
}
