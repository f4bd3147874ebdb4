// Begun.

import { Empty } from '../parts/states.tsx';

export function OverviewView() {
  return <Empty title="OverviewView" />;
}
