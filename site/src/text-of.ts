/** A text of the site. */
export async function textOf(address: string): Promise<string> {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address} cannot be fetched: ${response.status}`);
  return response.text();
}
