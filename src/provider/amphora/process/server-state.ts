/**
 * What of `show servers state` may be carried over to another process (manual section 3.2, "server-state-file"): that a member is known to
 * be down, nothing else. Weights and administrative states are the new configuration's to say; the old ones would win over it.
 */
export function carriedOver(serversState: string): string {
  const [version = '1', head = '', ...lines] = serversState.trim().split('\n');
  const columns = head.replace(/^# /, '').split(' ');
  const at = (name: string) => columns.indexOf(name);
  const [operational, administrative, runningWeight, initialWeight] = [
    at('srv_op_state'),
    at('srv_admin_state'),
    at('srv_uweight'),
    at('srv_iweight'),
  ];
  const down = lines.flatMap((line) => {
    const cells = line.split(' ');
    if (cells[operational!] !== '0' || cells[administrative!] !== '0') return [];
    cells[runningWeight!] = cells[initialWeight!]!;
    return [cells.join(' ')];
  });
  return [version, head, ...down, ''].join('\n');
}
