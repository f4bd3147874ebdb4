// Begun.

import { Empty } from '../parts/states.tsx';

export function FlowMapTab({ domain }: { readonly domain: string }) {
  return <Empty title={domain} />;
}
