// The answer to a small request, the same from both origins: 256 bytes of JSON.
export const SMALL_BODY = `{"ok":true,"pad":"${'x'.repeat(237)}"}`;
