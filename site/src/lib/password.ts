const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** makePassword makes up a password of 120 random bits. */
export function makePassword(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => letters[byte & 63]).join("");
}
