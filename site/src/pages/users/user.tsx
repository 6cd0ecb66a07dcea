export default function UsersUser() {
  return null;
}
