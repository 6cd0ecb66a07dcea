/** How many rows the list of workspaces asks for; the API gives no more at once. */
export const listLimit = 1000;
